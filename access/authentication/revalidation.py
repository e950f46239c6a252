"""Revalidate the credentials of open connections, in batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from ..models import Account, ApiKey, Session
from ..roles import Role
from .browser_logins import session_principals

ACTIVE = Q(active=True) & (Q(user=None) | Q(user__is_active=True))


@dataclass(frozen=True, slots=True)
class CredentialIds:
    """Ids of keys, UUIDs of sessions and accounts, stored keys of browser sessions."""

    keys: frozenset[int] = frozenset()
    sessions: frozenset[UUID] = frozenset()
    accounts: frozenset[UUID] = frozenset()
    browser_sessions: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.keys or self.sessions or self.accounts or self.browser_sessions)


@dataclass(frozen=True, slots=True)
class ValidCredentials:
    """The valid ones of them; keys with their expiration. `names` are those of users."""

    keys: dict[int, datetime | None] = field(default_factory=dict)
    sessions: frozenset[UUID] = frozenset()
    accounts: frozenset[UUID] = frozenset()
    admins: frozenset[UUID] = frozenset()
    names: dict[UUID, str] = field(default_factory=dict)
    browser_sessions: frozenset[str] = frozenset()


def revalidate(ids: CredentialIds) -> ValidCredentials:
    """Return which credentials are neither revoked nor disabled."""
    accounts = _accounts(ids)
    admins = frozenset(uuid for uuid, (admin, _) in accounts.items() if admin)
    names = {uuid: f"user:{name}" for uuid, (_, name) in accounts.items() if name is not None}
    browsers = frozenset(session_principals(ids.browser_sessions))
    return ValidCredentials(
        _keys(ids), _sessions(ids), frozenset(accounts), admins, names, browsers
    )


def _keys(ids: CredentialIds) -> dict[int, datetime | None]:
    if not ids.keys:
        return {}
    return dict(ApiKey.objects.filter(pk__in=ids.keys).values_list("pk", "expires"))


def _sessions(ids: CredentialIds) -> frozenset[UUID]:
    if not ids.sessions:
        return frozenset()
    found = Session.objects.filter(uuid__in=ids.sessions, revoked=False)
    return frozenset(found.values_list("uuid", flat=True))


def _accounts(ids: CredentialIds) -> dict[UUID, tuple[bool, str | None]]:
    """Return for each enabled account whether it is an admin, and the name of its user."""
    if not ids.accounts:
        return {}
    found = Account.objects.filter(ACTIVE, uuid__in=ids.accounts)
    return {
        uuid: (role == Role.admin if superuser is None else superuser, name)
        for uuid, role, superuser, name in found.values_list(
            "uuid", "role", "user__is_superuser", "user__username"
        )
    }
