"""Principals and their scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.errors import Unauthorized


class Scope(StrEnum):
    """A scope of credentials. Source: docs/reference/tiled-protocol/http.md, "Modes"."""

    read_metadata = "read:metadata"
    read_data = "read:data"
    write_metadata = "write:metadata"
    write_data = "write:data"
    delete_revision = "delete:revision"
    delete_node = "delete:node"
    create_node = "create:node"
    register = "register"
    metrics = "metrics"
    create_apikeys = "create:apikeys"
    revoke_apikeys = "revoke:apikeys"
    admin_apikeys = "admin:apikeys"
    read_principals = "read:principals"
    write_principals = "write:principals"
    read_webhooks = "read:webhooks"
    write_webhooks = "write:webhooks"


class Kind(StrEnum):
    """Kind of a principal with an account."""

    user = "user"
    service = "service"


ACCOUNT_SCOPES = frozenset(
    {
        Scope.create_apikeys,
        Scope.revoke_apikeys,
        Scope.admin_apikeys,
        Scope.read_principals,
        Scope.write_principals,
    }
)
"""Scopes that exist only on a site with users."""
UNUSED_SCOPES = frozenset({Scope.read_webhooks, Scope.write_webhooks})
"""Scopes of Tiled that no endpoint of this server requires. Keys and roles may have them."""
READ = frozenset({Scope.read_metadata, Scope.read_data})


@dataclass(frozen=True, slots=True)
class Principal:
    """The principal that a request acts for, with the scopes of its credentials.

    `key_id` is the ID of its API key in the database, `session` the UUID of its login, if it has
    one, `browser_session` the stored key of the browser session that it comes from; `expires` is
    when the key, token or session expires.

    A principal with an account has its `uuid` and `kind`, and `names` for tags: `user:alice`,
    `service:<uuid>`. `access_tags` are those that its key is restricted to, or None. On a site
    without users no principal has an account; staff that reads there has a name.
    """

    scopes: frozenset[Scope]
    anonymous: bool = False
    key_id: int | None = None
    expires: datetime | None = None
    uuid: UUID | None = None
    kind: Kind | None = None
    names: frozenset[str] = frozenset()
    access_tags: frozenset[str] | None = None
    admin: bool = False
    session: UUID | None = None
    browser_session: str | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether there are credentials; REST framework needs this name."""
        return not self.anonymous


ANONYMOUS = Principal(frozenset(), anonymous=True)
SERVICE_KEY_PRINCIPAL = Principal(frozenset(Scope) - ACCOUNT_SCOPES)
"""The principal of the site-wide key."""


def principal_name(principal: Principal) -> str:
    """Return the name of a principal for log lines, with the ID of its API key if it has one."""
    if principal.anonymous:
        return "anonymous"
    account = f"{principal.kind}:{principal.uuid}" if principal.uuid is not None else ""
    name = min(principal.names, default=account)
    key = "" if principal.key_id is None else f"key:{principal.key_id}"
    return "/".join(filter(None, (name, key))) or "site-key"


def require(principal: Principal, *scopes: Scope) -> None:
    """Raise Unauthorized unless `principal` has all of `scopes`."""
    if not principal.scopes.issuperset(scopes):
        needed, held = [[str(scope) for scope in group] for group in (scopes, principal.scopes)]
        raise Unauthorized(
            f"Not enough permissions. Requires scopes {needed}. Request had scopes {sorted(held)}",
            headers={"WWW-Authenticate": f'Bearer scope="{" ".join(needed)}"'},
        )
