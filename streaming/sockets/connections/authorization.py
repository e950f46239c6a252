"""Who may watch which stream. Everything that takes the database, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from access.api_keys.websocket_keys import effective_principal
from access.authentication.credentials import Credentials, anonymous_principal, authenticate
from access.login.sessions import require_active
from access.principals import Principal, Scope, require
from catalog.lookup.write_targets import find_target
from catalog.permissions.node_permissions import check_node
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure

NEEDED = (Scope.read_data, Scope.read_metadata)
STREAMABLE = (
    StructureFamily.container,
    StructureFamily.array,
    StructureFamily.table,
    StructureFamily.sparse,
    StructureFamily.ragged,
    StructureFamily.awkward,
)


@dataclass(frozen=True, slots=True)
class Watched:
    """A node that may be watched, and by whom."""

    uuid: UUID
    structure: Structure | None
    principal: Principal


def needs_credentials() -> bool:
    """Whether nobody may watch anything without credentials."""
    return not anonymous_principal().scopes


def identify(credentials: Credentials | None) -> Principal:
    """Whoever has `credentials`, or none, if they may watch anything at all.

    Raises Unauthorized for wrong ones, for those without the scopes for both data and metadata, and
    for tokens of a session that is over: a request is soon done, and a subscription is not.
    """
    principal = effective_principal(authenticate(credentials))
    if principal.session is not None:
        require_active(principal.session)
    require(principal, *NEEDED)
    return principal


def watch(path: list[str], principal: Principal) -> Watched:
    """The node at `path`. Raises NotFound where there is none that `principal` sees, and Forbidden
    for one whose data they may not read.
    """
    joined = "/".join(path)
    check_node(joined, principal, *NEEDED)
    target = find_target(joined, *STREAMABLE)
    return Watched(target.ref.uuid, target.structure, principal)


def admit(path: list[str], credentials: Credentials | None) -> Watched:
    """The node at `path`, if whoever has `credentials`, or none, may read it.

    Raises Unauthorized and NotFound.
    """
    return watch(path, identify(credentials))
