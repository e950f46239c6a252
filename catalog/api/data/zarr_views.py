"""The catalog as read-only Zarr, versions 2 and 3: groups, arrays, and columns of tables.

Source: docs/reference/tiled-protocol/http.md, "Peripheral endpoints".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from django.http import HttpResponse
from rest_framework.request import Request

from core.errors import NotFound
from access.api.permissions import principal_of
from access.principals import Scope, require
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure

from ...services.tables.columns import Column, resolve_with_columns
from ...formats.json_pieces import json_of
from core.http.media_types import JSON, OCTET_STREAM
from ...formats.zarr import ChunkGrid, document_v2, document_v3
from ...lookup.embedded import EmbeddedNode, UnreadableEntry, find_unreadable_entry
from ...metrics import READS
from ...models import Node
from ...lookup.nodes import check_family
from ...permissions.node_permissions import check_node
from ...services.arrays.dense import Array, read_array
from ...services.arrays.sparse import read_sparse
from ...services.nodes.subtrees import Subtree
from ...storage.errors import StorageError
from ..views import NodeView
from core.http.urls import API, base_url
from core.http.responses import binary

ARRAYS = (StructureFamily.array, StructureFamily.sparse)
GROUPS = (StructureFamily.container, StructureFamily.table)
Found = Node | EmbeddedNode | Column


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """An entry that cannot be described, served as an empty group with the attribute `problem`.

    Zarr clients fail to read the whole group if the request for one entry fails.
    """

    problem: str

    @property
    def metadata(self) -> dict[str, str]:
        """The attributes of the group."""
        return {"problem": self.problem}


class ZarrView(NodeView):
    """Base class of the views for Zarr clients."""

    schema = None
    scopes = {"GET": (Scope.read_data, Scope.read_metadata)}


class GroupView(ZarrView):
    """The entries of a group."""

    def get(self, request: Request, path: str, version: str) -> HttpResponse:
        """Return the URLs of the entries of a group; an empty object for an array."""
        node = _listed(path)
        if isinstance(node, ProblemGroup):
            return _links(request, [])
        return _contents(request, node, version)


class DocumentView(ZarrView):
    """The metadata document of a group or an array in version 3."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the content of `zarr.json`."""
        node = _listed(path)
        structure = None if isinstance(node, ProblemGroup) else node.structure
        if isinstance(structure, (ArrayStructure, SparseStructure)):
            return _document(request, document_v3(_grid(structure), structure.dims, node.metadata))
        group = {"zarr_format": 3, "node_type": "group", "attributes": node.metadata}
        return _document(request, group)


class ArrayDocumentView(ZarrView):
    """The metadata document of an array in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the content of `.zarray`."""
        node = _listed(path)
        if isinstance(node, ProblemGroup):
            raise NotFound(node.problem)
        structure = _array_structure(node)
        return _document(request, document_v2(_grid(structure)))


class GroupDocumentView(ZarrView):
    """The metadata document of a group in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the content of `.zgroup`."""
        node = _listed(path)
        if not isinstance(node, ProblemGroup):
            check_family(node.path, node.family, GROUPS)
        return _document(request, {"zarr_format": 2})


class AttributesView(ZarrView):
    """The attributes of a group or an array in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the content of `.zattrs`, with the names of dimensions as xarray expects them."""
        node = _listed(path)
        if isinstance(node, ProblemGroup):
            return _document(request, node.metadata)
        dims = getattr(node.structure, "dims", None)
        names = {"_ARRAY_DIMENSIONS": dims} if dims else {}
        return _document(request, {**node.metadata, **names})


ZARR = "application/x-zarr"
"""The format of chunks, as metrics name it."""


class ChunkView(ZarrView):
    """A chunk of an array."""

    scopes = {"GET": (Scope.read_data,)}

    def get(self, request: Request, path: str, version: str, block: str) -> HttpResponse:
        """Return the compressed elements, padded with zeros beyond the edge of the array."""
        node = _resolved(path)
        if node.family in GROUPS:
            return self._group_like_chunk(request, f"{path}{'c' if version == '3' else ''}{block}", version)
        grid = _grid(_array_structure(node))
        numbers = [int(number) for number in block.replace(".", "/").split("/") if number]
        region = grid.region(numbers if grid.shape else numbers[1:])
        if region is None:
            raise NotFound(f"The array at {node.path} has no chunk {block.strip('/')}.")
        READS.labels(StructureFamily.array.value, ZARR).add()
        body = grid.encoded(_read(node, region), little=version == "3")
        return binary(request, body, OCTET_STREAM)

    def _group_like_chunk(self, request: Request, path: str, version: str) -> HttpResponse:
        """Return the entries of the group at `path`, whose key looks like that of a chunk."""
        principal, scopes = principal_of(request), GroupView.scopes["GET"]
        require(principal, *scopes)
        check_node(path, principal, *scopes)
        return _contents(request, _resolved(path), version)


def _resolved(path: str) -> Found:
    node = resolve_with_columns(path)
    check_family(node.path, node.family, (*ARRAYS, *GROUPS))
    return node


def _listed(path: str) -> Found | ProblemGroup:
    """Return the node at `path` as its group lists it. Raises NotFound, StorageError."""
    try:
        node = _resolved(path)
        _ = node.structure
    except WireError as error:
        return ProblemGroup(str(error))
    except StorageError:
        broken = find_unreadable_entry(path)
        if broken is None:
            raise
        return ProblemGroup(str(broken.problem))
    return node


def _contents(request: Request, node: Found, version: str) -> HttpResponse:
    if node.family in ARRAYS:
        return _document(request, {})
    base = f"{base_url(request).removesuffix(API)}/zarr/v{version}"
    keys = ["/".join(map(quote, [*node.segments, name])) for name in _names(node, request)]
    return _links(request, [f"{base}/{key}" for key in keys])


def _links(request: Request, urls: list[str]) -> HttpResponse:
    response = _document(request, urls)
    # fsspec searches responses for links only if they are HTML or have no media type.
    response.headers.pop("Content-Type", None)
    return response


def _array_structure(node: Found) -> ArrayStructure | SparseStructure:
    check_family(node.path, node.family, ARRAYS)
    assert isinstance(node.structure, (ArrayStructure, SparseStructure))
    return node.structure


def _grid(structure: ArrayStructure | SparseStructure) -> ChunkGrid:
    return ChunkGrid.of(structure.shape, structure.chunks, structure.dtype)


def _read(node: Found, region: tuple[slice, ...]) -> Array:
    if isinstance(node, Column):
        return node.array[region]
    if isinstance(node, Node) and isinstance(node.structure, SparseStructure):
        part = read_sparse(node, region)
        dense = np.zeros(part.shape, part.data.dtype)
        # Values with the same coordinates are added.
        np.add.at(dense, tuple(part.coords) or (...,), part.data)
        return dense
    return read_array(node, region)


def _names(node: Found, request: Request) -> Iterator[str]:
    assert not isinstance(node, Column)
    tree = Subtree(node, principal_of(request))
    yield from tree.columns
    for child in tree.children():
        if child.family in (*ARRAYS, *GROUPS) or isinstance(child.node, UnreadableEntry):
            yield child.key


def _document(request: Request, value: Any) -> HttpResponse:
    return binary(request, json_of(value), JSON)
