"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .errors import Unauthorized


class Scope(StrEnum):
    """One thing that a principal may be allowed to do. Source: the wire, "Modes"."""

    read_metadata = "read:metadata"
    read_data = "read:data"
    write_metadata = "write:metadata"
    write_data = "write:data"
    delete_revision = "delete:revision"
    delete_node = "delete:node"
    create_node = "create:node"
    register = "register"
    metrics = "metrics"


READ = frozenset({Scope.read_metadata, Scope.read_data})


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks, with the scopes that their credentials give.

    `key_id` is that of their key in the database, if it is one of those; `expires` is when the key
    does.
    """

    scopes: frozenset[Scope]
    anonymous: bool = False
    key_id: int | None = None
    expires: datetime | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether credentials were given; Django REST framework asks for this name."""
        return not self.anonymous


NOBODY = Principal(frozenset(), anonymous=True)


def require(principal: Principal, *scopes: Scope) -> None:
    """Raise Unauthorized unless `principal` has all of `scopes`."""
    if not principal.scopes.issuperset(scopes):
        needed, held = [[str(scope) for scope in group] for group in (scopes, principal.scopes)]
        raise Unauthorized(
            f"Not enough permissions. Requires scopes {needed}. Request had scopes {sorted(held)}",
            headers={"WWW-Authenticate": f'Bearer scope="{" ".join(needed)}"'},
        )
