"""Authorize subscriptions: everything about access that queries the database."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from access.api_keys.websocket_keys import effective_principal
from access.authentication.credentials import (
    Credentials,
    anonymous_principal,
    authenticate,
    require_active,
)
from access.principals import Principal, Scope, principal_name, require
from catalog.lookup.write_targets import get_write_target
from catalog.permissions.node_permissions import check_node
from core.request_record import note_principal
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure

REQUIRED_SCOPES = (Scope.read_data, Scope.read_metadata)
STREAMABLE_FAMILIES = (
    StructureFamily.container,
    StructureFamily.array,
    StructureFamily.table,
    StructureFamily.sparse,
    StructureFamily.ragged,
    StructureFamily.awkward,
)


@dataclass(frozen=True, slots=True)
class AuthorizedNode:
    """A node that `principal` may subscribe to. Containers have no `structure`."""

    uuid: UUID
    structure: Structure | None
    principal: Principal


def credentials_required() -> bool:
    """Return whether anonymous clients cannot subscribe to anything."""
    return not anonymous_principal().scopes


def is_logged_in(session: Credentials) -> bool:
    """Return whether a browser session has a valid login."""
    return not authenticate(session).anonymous


def authenticate_subscriber(credentials: Credentials | None) -> Principal:
    """Return the principal of `credentials` (None: anonymous) if it may subscribe at all.

    Raises Unauthorized for invalid credentials, for those without the scopes for both data and
    metadata, and for tokens of a revoked session: unlike a request, a subscription stays open, so
    that the remaining lifetime of the token does not limit it.
    """
    principal = effective_principal(authenticate(credentials))
    note_principal(principal_name(principal))
    if principal.session is not None:
        require_active(principal.session)
    require(principal, *REQUIRED_SCOPES)
    return principal


def authorize_node(path: list[str], principal: Principal) -> AuthorizedNode:
    """Return the node at `path`.

    Raises NotFound if it does not exist or `principal` cannot see it, and Forbidden if they can
    see it but not read its data.
    """
    joined = "/".join(path)
    check_node(joined, principal, *REQUIRED_SCOPES)
    target = get_write_target(joined, *STREAMABLE_FAMILIES)
    return AuthorizedNode(target.ref.uuid, target.structure, principal)


def authorize(path: list[str], credentials: Credentials | None) -> AuthorizedNode:
    """Return the node at `path` if the principal of `credentials` may subscribe to it.

    Raises Unauthorized, NotFound and Forbidden.
    """
    return authorize_node(path, authenticate_subscriber(credentials))
