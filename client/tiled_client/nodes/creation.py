"""Creating nodes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ..documents import Resource, SpecLike, read_data_sources, read_specs
from ..errors import Conflict, InvalidResponse, RequestRejected, TiledClientError
from ..http.session import Session
from ..jsonable import jsonable
from ..uris import Path
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from .base import Node, fetch_resource


def create_node(
    session: Session,
    parent: Path,
    family: StructureFamily,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[SpecLike] | None = None,
    data_sources: Sequence[DataSource] = (),
    access_tags: Sequence[str] | None = None,
) -> Node:
    """Create a node under `parent`; files that exist already are registered.

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
        answer = session.http.create(endpoint, parent, body).value()
    except Conflict as error:
        # A server that remembers keys would have answered with a node of this request.
        if session.http.supports_idempotency or not error.retried:
            raise
        return _recover_own_node(session, (*parent, key), resource, error)
    if not isinstance(answer, Mapping):
        raise InvalidResponse("The server did not say what it created.")
    resource.metadata = answer.get("metadata") or resource.metadata
    resource.data_sources = read_data_sources(answer.get("data_sources"))
    tags = answer.get("access_tags", access_tags)
    resource.access_tags = None if tags is None else list(tags)
    return Node.build(session, (*parent, answer.get("id") or key), resource)


@contextmanager
def delete_on_rejection(node: Node) -> Iterator[None]:
    """Delete a node that was just created where the server refuses what is written to it.

    Where it is not known whether the server has taken it, the node stays; so does one that may be
    another's.
    """
    try:
        yield
    except (RequestRejected, TypeError, ValueError):
        if not node.may_be_of_others:
            with suppress(TiledClientError):
                node.delete(external_only=False)
        raise


def _recover_own_node(session: Session, path: Path, wanted: Resource, error: Conflict) -> Node:
    """Take over the node that our own first attempt created before its answer was lost.

    Only for servers that remember no keys. One of others may look the same: it must not be removed.
    """
    found = fetch_resource(session.http, path, include_data_sources=True)
    found.adopted = True
    same = (
        found.family == wanted.family
        and found.structure == wanted.structure
        and set(found.specs) == set(wanted.specs)
        and found.metadata == wanted.metadata
    )
    if not same:
        raise error
    return Node.build(session, path, found)
