"""Which credentials still count: asked from time to time about those that have something open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from ..models import Account, ApiKey, Session
from ..roles import Role

ACTIVE = Q(active=True) & (Q(user=None) | Q(user__is_active=True))


@dataclass(frozen=True, slots=True)
class Held:
    """Keys by their ids, sessions and accounts by their uuids."""

    keys: frozenset[int] = frozenset()
    sessions: frozenset[UUID] = frozenset()
    accounts: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.keys or self.sessions or self.accounts)


@dataclass(frozen=True, slots=True)
class Valid:
    """Those of them that still count; keys with when they expire. `names` are those of users."""

    keys: dict[int, datetime | None] = field(default_factory=dict)
    sessions: frozenset[UUID] = frozenset()
    accounts: frozenset[UUID] = frozenset()
    admins: frozenset[UUID] = frozenset()
    names: dict[UUID, str] = field(default_factory=dict)


def still_valid(held: Held) -> Valid:
    """Which of `held` were neither revoked nor barred; a query for each kind that there is."""
    accounts = _accounts(held)
    admins = frozenset(uuid for uuid, (admin, _) in accounts.items() if admin)
    names = {uuid: f"user:{name}" for uuid, (_, name) in accounts.items() if name is not None}
    return Valid(_keys(held), _sessions(held), frozenset(accounts), admins, names)


def _keys(held: Held) -> dict[int, datetime | None]:
    if not held.keys:
        return {}
    return dict(ApiKey.objects.filter(pk__in=held.keys).values_list("pk", "expires"))


def _sessions(held: Held) -> frozenset[UUID]:
    if not held.sessions:
        return frozenset()
    found = Session.objects.filter(uuid__in=held.sessions, revoked=False)
    return frozenset(found.values_list("uuid", flat=True))


def _accounts(held: Held) -> dict[UUID, tuple[bool, str | None]]:
    """Each with whether it is an admin, and the name of its user."""
    if not held.accounts:
        return {}
    found = Account.objects.filter(ACTIVE, uuid__in=held.accounts)
    return {
        uuid: (role == Role.admin if superuser is None else superuser, name)
        for uuid, role, superuser, name in found.values_list(
            "uuid", "role", "user__is_superuser", "user__username"
        )
    }
