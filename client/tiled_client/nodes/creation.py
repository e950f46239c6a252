"""Creation of nodes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypedDict

from ..arguments import mapping, names_of, node_key
from ..documents import Resource, SpecLike, read_data_sources, read_specs
from ..errors import Conflict, InvalidResponse, NodeExists, RequestRejected, TiledClientError
from ..http.request_client import NODE_HEADER, RequestClient
from ..http.responses import Response
from ..jsonable import jsonable
from ..uris import Path
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from .base import NodeOperations, request_resource
from .existing import IfExists, check_choice, check_compatible


class DescriptionFields(TypedDict, total=False):
    """Keyword arguments that describe a new node; those that are left out are empty."""

    metadata: Mapping[str, Any] | None
    specs: Iterable[SpecLike] | None
    access_tags: Sequence[str] | None
    if_exists: IfExists


class NodeFields(DescriptionFields, total=False):
    """Keyword arguments of the methods that create nodes with data."""

    key: str | None


async def create_node(
    parent: NodeOperations,
    family: StructureFamily,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[SpecLike] | None = None,
    data_sources: Sequence[DataSource] = (),
    access_tags: Sequence[str] | None = None,
    if_exists: IfExists = "error",
) -> Any:
    """Create a node under `parent`; data sources with assets register files that exist.

    Raises NodeExists if the key exists, NodeNotFound if the parent does not.
    """
    check_choice(if_exists)
    key = str(uuid.uuid4()) if key is None else node_key(key)
    resource = Resource(
        family=_family(family),
        metadata={} if metadata is None else jsonable(mapping(metadata, "metadata")),
        specs=read_specs(() if specs is None else specs),
        structure=data_sources[0].structure if data_sources else None,
        access_tags=None if access_tags is None else names_of(access_tags, "access_tags"),
    )
    tags = resource.access_tags
    body = {
        "id": key,
        "structure_family": resource.family,
        "metadata": resource.metadata,
        "specs": [spec.to_json() for spec in resource.specs],
        "data_sources": [source.to_json() for source in data_sources],
        "access_tags": tags,
    }
    endpoint = "register" if any(source.assets for source in data_sources) else "metadata"
    try:
        response = await _request_creation(
            parent.requests, endpoint, (*parent.path, key), body, if_exists
        )
        value = response.value()
    except NodeExists as error:
        if if_exists == "open":
            return await _open(parent, (*parent.path, key), resource, data_sources)
        # With idempotency keys, a retry by this client would have returned the node instead.
        if parent.requests.supports_idempotency or not error.retried:
            raise
        return await _recover_own_node(parent, (*parent.path, key), resource, error)
    _update(resource, response, value)
    return parent.described((*parent.path, value.get("id") or key), resource)


def _update(resource: Resource, response: Response, value: Any) -> None:
    """Add what the server states about a new node. Raises InvalidResponse."""
    if not isinstance(value, Mapping):
        raise InvalidResponse("The server sent no document of the node that it created.")
    resource.node_id = response.headers.get(NODE_HEADER)
    resource.metadata = value.get("metadata") or resource.metadata
    resource.data_sources = read_data_sources(value.get("data_sources"))
    tags = value.get("access_tags", resource.access_tags)
    resource.access_tags = None if tags is None else list(tags)


async def _request_creation(
    requests: RequestClient,
    endpoint: str,
    path: Path,
    body: Mapping[str, Any],
    if_exists: IfExists,
) -> Response:
    """Send the request to create a node, or to replace one."""
    if if_exists != "replace":
        return await requests.create(endpoint, path[:-1], body)
    try:
        return await requests.create(endpoint, path[:-1], body, params={"replace": True})
    except NodeExists:
        # A server that does not know the parameter, such as Tiled's.
        params = {"recursive": False, "external_only": False}
        await requests.delete("metadata", path, params=params)
        return await requests.create(endpoint, path[:-1], body)


async def _open(
    parent: NodeOperations, path: Path, wanted: Resource, sources: Sequence[DataSource]
) -> Any:
    """Return the existing node at `path`. Raises NodeExists if it is of another kind."""
    found = await request_resource(parent.requests, path, include_data_sources=True)
    check_compatible(path, found, wanted, sources)
    # It was there before: a rejected write must not delete it.
    found.adopted = True
    return parent.described(path, found)


def _family(value: Any) -> StructureFamily:
    if value not in list(StructureFamily):
        known = ", ".join(StructureFamily)
        raise ValueError(f"structure_family must be one of {known}, not {value!r}")
    return StructureFamily(value)


@asynccontextmanager
async def delete_on_rejection(node: NodeOperations) -> AsyncIterator[None]:
    """Delete a node that was just created if the server rejects the data written to it.

    The node stays if the server may have stored the data, or another client may have created it.
    """
    try:
        yield
    except (RequestRejected, TypeError, ValueError):
        if not node.may_be_of_others:
            with suppress(TiledClientError):
                await node.discard()
        raise


async def _recover_own_node(
    parent: NodeOperations, path: Path, expected: Resource, error: Conflict
) -> Any:
    """Return the node that the first attempt created before its response was lost.

    For servers without idempotency keys. Another client may have created an identical node, so it
    is marked as `adopted`, and not deleted if a write to it fails.
    """
    found = await request_resource(parent.requests, path, include_data_sources=True)
    found.adopted = True
    is_identical = (
        found.family == expected.family
        and found.structure == expected.structure
        and set(found.specs) == set(expected.specs)
        and found.metadata == expected.metadata
    )
    if not is_identical:
        raise error
    return parent.described(path, found)
