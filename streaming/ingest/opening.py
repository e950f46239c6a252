"""Open nodes for a producer, and create them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from access.authentication.credentials import Credentials, authenticate, require_active
from access.principals import Principal, Scope, principal_name, require
from catalog.lookup.write_targets import get_write_target
from catalog.permissions.node_permissions import check_node
from catalog.services.idempotency import IdempotencyKey
from catalog.services.nodes.create import create_node, register_node
from catalog.services.nodes.drafts import Draft
from catalog.services.uploads import check_replaced
from core.errors import Invalid
from core.request_record import note_principal
from tiled_client.wire.ingest import MAX_SEQUENCE, PRODUCER, FrameOperation
from tiled_client.wire.structure_family import StructureFamily

from ..writing.progress import stored_sequence
from .opened_nodes import OpenedNode, ReceivedFrame
from .stored import parse_json

CREATION_SCOPES = (Scope.write_metadata, Scope.create_node)
MAX_KEY_LENGTH = 100


def authenticate_producer(credentials: Credentials | None) -> Principal:
    """Return the principal of `credentials` if it may write at all. Raises Unauthorized."""
    principal = authenticate(credentials)
    note_principal(principal_name(principal))
    if principal.session is not None:
        require_active(principal.session)
    require(principal, Scope.write_data)
    return principal


def open_node(principal: Principal, frame: ReceivedFrame) -> OpenedNode:
    """Return the node of a frame that opens one, created first if the frame asks for that.

    Raises Invalid, NotFound, Forbidden, Unauthorized, Conflict (another node has the path), and as
    `create_node` does.
    """
    options = frame.header.options or {}
    path, producer = _text(options, "path"), _text(options, "producer")
    if not PRODUCER.fullmatch(producer):
        raise Invalid(
            f"producer must have 8 to 32 letters, digits, hyphens or underscores, not "
            f"{producer!r:.100}."
        )
    if frame.header.op is FrameOperation.create:
        path = _create(principal, path, options, frame.payload)
    check_node(path, principal, Scope.write_data)
    target = get_write_target(path, *StructureFamily)
    expected = options.get("uuid")
    if expected is not None:
        check_replaced(_uuid(expected), target.ref.uuid)
    stored = stored_sequence(target.ref.uuid, producer)
    return OpenedNode(
        target.ref.path,
        target.ref.uuid,
        target.ref.structure_family,
        target.structure,
        principal,
        producer,
        max(stored, _acknowledged(options)),
    )


def _create(
    principal: Principal, parent: str, options: Mapping[str, Any], payload: memoryview
) -> str:
    draft = Draft.from_json(parse_json(payload))
    registered = draft.data_source is not None and bool(draft.data_source.assets)
    scopes = (*CREATION_SCOPES, Scope.register) if registered else CREATION_SCOPES
    require(principal, *scopes)
    check_node(parent, principal, *scopes)
    key = _text(options, "key")[:MAX_KEY_LENGTH]
    digest = hashlib.blake2b(payload, digest_size=16)
    if principal.uuid is not None:
        digest.update(principal.uuid.bytes)
    create = register_node if registered else create_node
    node = create(
        parent_path=parent,
        draft=draft,
        principal=principal,
        idempotency_key=IdempotencyKey(f"ingest {key}", digest.digest()),
    )
    return node.path


def _acknowledged(options: Mapping[str, Any]) -> int:
    value = options.get("acknowledged", 0)
    if type(value) is not int or not 0 <= value <= MAX_SEQUENCE:
        raise Invalid(f"acknowledged must be an integer from 0 on, not {value!r:.100}.")
    return value


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name)
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text, not {value!r:.100}.")
    return value


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"uuid must be a UUID, not {value!r:.100}.") from error
