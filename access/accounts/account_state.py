"""State of an account, read with each request in one query.

A deactivation, or the loss of the admin role, takes effect with the next request, whatever keys and
tokens exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from ..models import Account
from ..principals import Kind, Principal, Scope
from ..roles import Role, scopes_of

INHERIT = "inherit"
"""In place of a key's scopes: all that its owner has."""

# Django's ORM takes three times as long.
COLUMNS = """a.uuid AS owner_uuid, a.kind AS owner_kind, a.role AS owner_role,
    a.active AS owner_active, u.username AS owner_name, u.is_active AS owner_user_active,
    u.is_superuser AS owner_superuser"""
NAMES = [part.rpartition(" AS ")[2].strip() for part in COLUMNS.split(",")]
SELECT_BY_UUID = f"""SELECT {COLUMNS} FROM access_account a
    LEFT JOIN auth_user u ON u.id = a.user_id WHERE a.uuid = %s"""  # noqa: S608
IN_SESSION = """ AND EXISTS (SELECT 1 FROM access_session s
    WHERE s.uuid = %s AND s.account_id = a.id AND NOT s.revoked)"""


@dataclass(frozen=True, slots=True)
class AccountState:
    """Identity, role and state of an account at this moment."""

    uuid: UUID
    kind: Kind
    role: Role
    active: bool
    name: str

    @classmethod
    def from_row(cls, row: Iterable[Any]) -> AccountState:
        """Read COLUMNS."""
        uuid, kind, role, active, username, user_active, superuser = row
        known = uuid if isinstance(uuid, UUID) else UUID(uuid)
        if kind == Kind.service:
            return cls(known, Kind.service, Role(role), bool(active), f"service:{known}")
        role = Role.admin if superuser else Role.user
        return cls(known, Kind.user, role, bool(active and user_active), f"user:{username}")

    @property
    def scopes(self) -> frozenset[Scope]:
        """Scopes of the account's role."""
        return scopes_of(self.role)

    def principal(
        self,
        granted: Iterable[str] = (INHERIT,),
        *,
        key_id: int | None = None,
        session: UUID | None = None,
        expires: datetime | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Principal:
        """Return the principal of credentials of this account, limited to the `granted` scopes."""
        named = frozenset(granted)
        scopes = self.scopes if INHERIT in named else self.scopes & named
        return Principal(
            frozenset(scopes),
            key_id=key_id,
            expires=expires,
            uuid=self.uuid,
            kind=self.kind,
            names=frozenset({self.name}),
            access_tags=None if access_tags is None else frozenset(access_tags),
            admin=self.role is Role.admin,
            session=session,
        )


def get_account_state(uuid: UUID, *, session: UUID | None = None) -> AccountState | None:
    """Return the state of the account with this UUID; None if it does not exist or is disabled.

    Also None if `session` is given and is not a session of the account, or was revoked.
    """
    query, values = SELECT_BY_UUID, [_as_stored(uuid)]
    if session is not None:
        query, values = SELECT_BY_UUID + IN_SESSION, [*values, _as_stored(session)]
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row = cursor.fetchone()
    state = AccountState.from_row(row) if row else None
    return state if state and state.active else None


def state_of_account(account: Account) -> AccountState:
    """Return the state of an account that was already read with its user."""
    user = account.user
    of_user = (user.username, user.is_active, user.is_superuser) if user else (None, None, None)
    own = (account.uuid, account.kind, account.role, account.active)
    return AccountState.from_row((*own, *of_user))


def _as_stored(uuid: UUID) -> Any:
    return uuid if connection.features.has_native_uuid_field else uuid.hex
