"""Creation of nodes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypedDict

from ..documents import Resource, SpecLike, read_data_sources, read_specs
from ..errors import Conflict, InvalidResponse, RequestRejected, TiledClientError
from ..http.session import ClientSession
from ..jsonable import jsonable
from ..uris import Path
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from .base import Node, fetch_resource


class DescriptionFields(TypedDict, total=False):
    """Keyword arguments that describe a new node; those that are left out are empty."""

    metadata: Mapping[str, Any] | None
    specs: Iterable[SpecLike] | None
    access_tags: Sequence[str] | None


class NodeFields(DescriptionFields, total=False):
    """Keyword arguments of the methods that create nodes with data."""

    key: str | None


def create_node(
    session: ClientSession,
    parent: Path,
    family: StructureFamily,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[SpecLike] | None = None,
    data_sources: Sequence[DataSource] = (),
    access_tags: Sequence[str] | None = None,
) -> Node:
    """Create a node under `parent`; data sources with assets register files that exist.

    Raises Conflict if the key exists, NodeNotFound if the parent does not.
    """
    key = key or str(uuid.uuid4())
    resource = Resource(
        family=StructureFamily(family),
        metadata=jsonable(metadata or {}),
        specs=read_specs(specs or ()),
        structure=data_sources[0].structure if data_sources else None,
    )
    body = {
        "id": key,
        "structure_family": resource.family,
        "metadata": resource.metadata,
        "specs": [spec.to_json() for spec in resource.specs],
        "data_sources": [source.to_json() for source in data_sources],
        "access_tags": access_tags,
    }
    endpoint = "register" if any(source.assets for source in data_sources) else "metadata"
    try:
        value = session.http.create(endpoint, parent, body).value()
    except Conflict as error:
        # With idempotency keys, a retry of our own would have returned the node instead.
        if session.http.supports_idempotency or not error.retried:
            raise
        return _recover_own_node(session, (*parent, key), resource, error)
    if not isinstance(value, Mapping):
        raise InvalidResponse("The server sent no document of the node that it created.")
    resource.metadata = value.get("metadata") or resource.metadata
    resource.data_sources = read_data_sources(value.get("data_sources"))
    tags = value.get("access_tags", access_tags)
    resource.access_tags = None if tags is None else list(tags)
    return Node.build(session, (*parent, value.get("id") or key), resource)


@contextmanager
def delete_on_rejection(node: Node) -> Iterator[None]:
    """Delete a node that was just created if the server rejects the data written to it.

    The node stays if the server may have stored the data, or another client may have created it.
    """
    try:
        yield
    except (RequestRejected, TypeError, ValueError):
        if not node.may_be_of_others:
            with suppress(TiledClientError):
                node.delete(external_only=False)
        raise


def _recover_own_node(
    session: ClientSession, path: Path, expected: Resource, error: Conflict
) -> Node:
    """Return the node that the first attempt created before its response was lost.

    For servers without idempotency keys. Another client may have created an identical node, so it
    is marked as `adopted`, and not deleted if a write to it fails.
    """
    found = fetch_resource(session.http, path, include_data_sources=True)
    found.adopted = True
    is_identical = (
        found.family == expected.family
        and found.structure == expected.structure
        and set(found.specs) == set(expected.specs)
        and found.metadata == expected.metadata
    )
    if not is_identical:
        raise error
    return Node.build(session, path, found)
