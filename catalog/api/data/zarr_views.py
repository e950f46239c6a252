"""The catalog as Zarr, versions 2 and 3, to be read only: groups, arrays, and columns of tables.

Source: docs/reference/tiled-protocol/http.md, "Peripheral endpoints".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from django.http import HttpResponse
from django.urls import URLPattern, re_path
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
from ...lookup.embedded import Inner, UnreadableEntry, broken_at
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
Found = Node | Inner | Column


@dataclass(frozen=True, slots=True)
class Indescribable:
    """What a group lists, and cannot be described: a group of nothing that says what is wrong.

    A reader of Zarr that is refused one entry gives up on the whole group.
    """

    problem: str

    @property
    def metadata(self) -> dict[str, str]:
        """Its attributes."""
        return {"problem": self.problem}


class ZarrView(NodeView):
    """Something that a reader of Zarr asks for."""

    schema = None
    scopes = {"GET": (Scope.read_data, Scope.read_metadata)}


class GroupView(ZarrView):
    """What is in a group."""

    def get(self, request: Request, path: str, version: str) -> HttpResponse:
        """The addresses of what is in a group; an empty object for an array."""
        node = _listed(path)
        if isinstance(node, Indescribable):
            return _addresses(request, [])
        return _contents(request, node, version)


class DocumentView(ZarrView):
    """The description of a group or an array in version 3."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The content of `zarr.json`."""
        node = _listed(path)
        structure = None if isinstance(node, Indescribable) else node.structure
        if isinstance(structure, (ArrayStructure, SparseStructure)):
            return _document(request, document_v3(_grid(structure), structure.dims, node.metadata))
        group = {"zarr_format": 3, "node_type": "group", "attributes": node.metadata}
        return _document(request, group)


class ArrayDocumentView(ZarrView):
    """The description of an array in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The content of `.zarray`."""
        node = _listed(path)
        if isinstance(node, Indescribable):
            raise NotFound(node.problem)
        structure = _array_structure(node)
        return _document(request, document_v2(_grid(structure)))


class GroupDocumentView(ZarrView):
    """The description of a group in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The content of `.zgroup`."""
        node = _listed(path)
        if not isinstance(node, Indescribable):
            check_family(node.path, node.family, GROUPS)
        return _document(request, {"zarr_format": 2})


class AttributesView(ZarrView):
    """The metadata of a group or an array in version 2."""

    def get(self, request: Request, path: str) -> HttpResponse:
        """The content of `.zattrs`, with the names of dimensions where xarray looks for them."""
        node = _listed(path)
        if isinstance(node, Indescribable):
            return _document(request, node.metadata)
        dims = getattr(node.structure, "dims", None)
        names = {"_ARRAY_DIMENSIONS": dims} if dims else {}
        return _document(request, {**node.metadata, **names})


class ChunkView(ZarrView):
    """A chunk of an array."""

    scopes = {"GET": (Scope.read_data,)}

    def get(self, request: Request, path: str, version: str, block: str) -> HttpResponse:
        """The elements, compressed; zeros beyond the edge of the array."""
        node = _resolved(path)
        if node.family in GROUPS:
            return self._no_chunk(request, f"{path}{'c' if version == '3' else ''}{block}", version)
        grid = _grid(_array_structure(node))
        numbers = [int(number) for number in block.replace(".", "/").split("/") if number]
        region = grid.region(numbers if grid.shape else numbers[1:])
        if region is None:
            raise NotFound(f"The array at {node.path} has no chunk {block.strip('/')}.")
        body = grid.encoded(_read(node, region), little=version == "3")
        return binary(request, body, OCTET_STREAM)

    def _no_chunk(self, request: Request, path: str, version: str) -> HttpResponse:
        """The node at `path`, whose key only looks like a chunk."""
        principal, scopes = principal_of(request), GroupView.scopes["GET"]
        require(principal, *scopes)
        check_node(path, principal, *scopes)
        return _contents(request, _resolved(path), version)


def _resolved(path: str) -> Found:
    node = resolve_with_columns(path)
    check_family(node.path, node.family, (*ARRAYS, *GROUPS))
    return node


def _listed(path: str) -> Found | Indescribable:
    """The node at `path` as its group lists it. Raises NotFound, StorageError."""
    try:
        node = _resolved(path)
        _ = node.structure
    except WireError as error:
        return Indescribable(str(error))
    except StorageError:
        broken = broken_at(path)
        if broken is None:
            raise
        return Indescribable(str(broken.problem))
    return node


def _contents(request: Request, node: Found, version: str) -> HttpResponse:
    if node.family in ARRAYS:
        return _document(request, {})
    base = f"{base_url(request).removesuffix(API)}/zarr/v{version}"
    keys = ["/".join(map(quote, [*node.segments, name])) for name in _names(node, request)]
    return _addresses(request, [f"{base}/{key}" for key in keys])


def _addresses(request: Request, addresses: list[str]) -> HttpResponse:
    response = _document(request, addresses)
    # What has a type, and that is not HTML, fsspec does not look through for addresses.
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
        # Of several values at one place, the sum counts.
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


PATH = r"(?P<path>(?:[\s\S]*/)?)"


def _patterns() -> Iterator[URLPattern]:
    """The first that fits is taken: what ends like a document or a chunk is no node."""
    yield re_path(rf"^v3/{PATH}zarr\.json\Z", DocumentView.as_view())
    yield re_path(rf"^v2/{PATH}\.zarray\Z", ArrayDocumentView.as_view())
    yield re_path(rf"^v2/{PATH}\.zgroup\Z", GroupDocumentView.as_view())
    yield re_path(rf"^v2/{PATH}\.zattrs\Z", AttributesView.as_view())
    number = r"[0-9]{1,18}"
    chunk_v2 = rf"^v(?P<version>2)/{PATH}(?P<block>{number}(?:\.{number})*)\Z"
    chunk_v3 = rf"^v(?P<version>3)/{PATH}c(?P<block>(?:/{number})*)\Z"
    yield re_path(chunk_v2, ChunkView.as_view())
    yield re_path(chunk_v3, ChunkView.as_view())
    yield re_path(r"^v(?P<version>[23])/(?P<path>[\s\S]*)\Z", GroupView.as_view())


urlpatterns = list(_patterns())
