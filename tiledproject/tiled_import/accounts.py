"""Users, services, identities, roles and API keys of Tiled's authentication database.

A user keeps the UUID of the principal, a key its secret. A user is found again by that UUID, or by
an identity that is known here already.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from access.accounts.accounts import get_or_create_account
from access.api_keys.store import hash_of_bytes
from access.config import authentication_settings
from access.models import KEY_PREFIX_LENGTH, SCOPES, Account, ApiKey, Identity
from access.principals import Kind, Scope
from access.roles import SCOPES_BY_ROLE, Role

from .report import ImportReport
from .source.database import SourceDatabase, as_json, as_time

NOT_IN_NAMES = re.compile(r"[^\w.@+-]")
MAX_NAME = 150
INHERIT = "inherit"

PRINCIPALS = "SELECT id, uuid, type, time_created FROM principals ORDER BY id"
IDENTITIES = "SELECT principal_id, provider, id, latest_login FROM identities ORDER BY provider, id"
ROLES = """SELECT l.principal_id, r.name, r.scopes FROM principal_role_association l
    JOIN roles r ON r.id = l.role_id"""
KEYS = """SELECT first_eight, hashed_secret, expiration_time, latest_activity, note, principal_id,
    scopes, access_tags, time_created FROM api_keys ORDER BY time_created"""


@dataclass(slots=True)
class Names:
    """Accounts here by their names in Tiled: identifiers of users, UUIDs of services.

    `renamed` maps the tags of users that have another name here.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    providers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class AccountImport:
    """Imports accounts. `passwords` are those of users that the configuration of Tiled has.

    `provider` is the one that access tags are about, or None if it is not known.
    """

    database: SourceDatabase
    report: ImportReport
    passwords: Mapping[str, str] = field(default_factory=dict)
    provider: str | None = None
    names: Names = field(default_factory=Names)

    def run(self) -> Names:
        """Import all accounts and their keys; those that were imported before are kept."""
        identities, roles = self._grouped(IDENTITIES), self._grouped(ROLES)
        accounts: dict[int, Account] = {}
        for pk, uuid, kind, created in self.database.rows(PRINCIPALS):
            role = self._role(roles[pk])
            with transaction.atomic():
                if str(kind) == Kind.service:
                    account = self._service(UUID(str(uuid)), role, created)
                else:
                    account = self._user(UUID(str(uuid)), role, created, identities[pk])
            accounts[pk] = account
        for row in self.database.rows(KEYS):
            with transaction.atomic():
                self._key(accounts, row)
        return self.names

    def _service(self, uuid: UUID, role: Role, created: Any) -> Account:
        account, made = Account.objects.get_or_create(
            uuid=uuid,
            defaults={
                "kind": Kind.service,
                "role": role,
                "note": "imported from Tiled",
                "time_created": as_time(created) or timezone.now(),
            },
        )
        self.report.count("services" if made else "accounts that were imported before")
        self.names.accounts[str(uuid)] = account
        return account

    def _user(
        self, uuid: UUID, role: Role, created: Any, identities: list[tuple[Any, ...]]
    ) -> Account:
        account = self._known(uuid, identities)
        if account is None:
            account = self._new_user(uuid, created, identities)
            self.report.count("users")
        else:
            self.report.count("accounts that were imported before")
        user = account.user
        assert user is not None
        if role is Role.admin and not user.is_superuser:
            user.is_superuser = user.is_staff = True
            user.save(update_fields=["is_superuser", "is_staff"])
        for provider, identifier, latest in identities:
            self.names.providers.add(provider)
            if not is_local(provider):
                Identity.objects.get_or_create(
                    provider=provider,
                    identifier=identifier,
                    defaults={"account": account, "latest_login": as_time(latest)},
                )
            if self.provider in (None, provider):
                self._name(identifier, account, user.get_username())
        return account

    def _name(self, identifier: str, account: Account, username: str) -> None:
        self.names.accounts[identifier] = account
        if username != identifier:
            self.names.renamed[f"user:{identifier}"] = f"user:{username}"
            self.report.find(
                "Users have another name here, because theirs is taken or has other characters "
                "than letters, digits and @.+-_",
                f"{identifier}: {username}",
            )

    def _known(self, uuid: UUID, identities: list[tuple[Any, ...]]) -> Account | None:
        account = Account.objects.select_related("user").filter(uuid=uuid).first()
        for provider, identifier, _ in identities:
            if account is None:
                found = Identity.objects.select_related("account__user")
                identity = found.filter(provider=provider, identifier=identifier).first()
                account = identity.account if identity else None
        return account if account is not None and account.user is not None else None

    def _new_user(self, uuid: UUID, created: Any, identities: list[tuple[Any, ...]]) -> Account:
        ids = [identifier for _, identifier, _ in identities]
        preferred = [i for provider, i, _ in identities if provider == self.provider]
        wanted = next(iter([*preferred, *ids]), f"principal-{uuid.hex[:8]}")
        user = User.objects.create_user(free_name(wanted), password=self._password(ids))
        account = get_or_create_account(user)
        account.uuid, account.time_created = uuid, as_time(created) or account.time_created
        account.save(update_fields=["uuid", "time_created"])
        return account

    def _password(self, identifiers: Iterable[str]) -> str | None:
        return next((self.passwords[one] for one in identifiers if one in self.passwords), None)

    def _role(self, roles: list[tuple[Any, ...]]) -> Role:
        scopes: set[str] = set()
        for name, held in roles:
            scopes.update(as_json(held) or ())
            if name not in set(Role):
                self.report.find(
                    "Roles other than user and admin do not exist here: accounts with "
                    "admin:apikeys became admins, others users",
                    f"{name}: {', '.join(sorted(as_json(held) or ()))}",
                )
        return Role.admin if Scope.admin_apikeys in scopes else Role.user

    def _key(self, accounts: Mapping[int, Account], row: tuple[Any, ...]) -> None:
        first, hashed, expires, used, note, principal, scopes, tags, created = row
        account, until = accounts.get(principal), as_time(expires)
        if account is None or (until is not None and until <= timezone.now()):
            self.report.count("API keys that have expired, which were left out")
            return
        stored = hash_of_bytes(bytes(hashed))
        known = ApiKey.objects.filter(first_eight=first).first()
        if known is not None:
            if known.hashed_secret == stored:
                self.report.count("API keys that were imported before")
            else:
                self.report.find("An API key with these first digits exists already", first)
            return
        held, restricted = self._scopes(account, as_json(scopes) or []), as_json(tags)
        if not held:
            self.report.find("API keys without any known scope were left out", first)
            return
        if restricted is not None:
            restricted = sorted({self.names.renamed.get(tag, tag) for tag in restricted})
        ApiKey.objects.create(
            first_eight=first[:KEY_PREFIX_LENGTH],
            hashed_secret=stored,
            owner=account,
            scopes=held,
            access_tags=restricted,
            note=(note or "")[:255],
            time_created=as_time(created) or timezone.now(),
            expires=until,
            last_used=as_time(used),
        )
        self.report.count("API keys")

    def _scopes(self, account: Account, scopes: Iterable[str]) -> list[str]:
        held = sorted({s for s in scopes if s in SCOPES or s == INHERIT})
        role = Role.admin if account.user and account.user.is_superuser else Role(account.role)
        beyond = set(held) - {INHERIT} - set(map(str, SCOPES_BY_ROLE[role]))
        if beyond:
            self.report.find(
                "API keys have scopes that their owner does not have here, and that are without "
                "effect",
                f"{account}: {', '.join(sorted(beyond))}",
            )
        return held

    def _grouped(self, statement: str) -> dict[int, list[tuple[Any, ...]]]:
        found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for first, *others in self.database.rows(statement):
            found[first].append(tuple(others))
        return found


def is_local(provider: str) -> bool:
    """Return whether users of this provider are found by their names, and have no identity."""
    local = authentication_settings().local
    return local is not None and local.provider == provider


def free_name(wanted: str) -> str:
    """Return a user name that is not taken: the wanted one, or that with a number."""
    name = NOT_IN_NAMES.sub("_", User.normalize_username(wanted))[: MAX_NAME - 8] or "user"
    found, number = name, 1
    while User.objects.filter(username__iexact=found).exists():
        number += 1
        found = f"{name}-{number}"
    return found
