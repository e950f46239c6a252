"""Arrays over HTTP: whole, by block, by slice, by patch.

Source: docs/reference/tiled-protocol/http.md, "Array endpoints".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.errors import Invalid, NotFound, UnsupportedMedia
from access.principals import Scope
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.slices import NDSlice, parse_slice, sliced_shape
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure

from ...lookup.parts import parts_refused
from ...services.tables.columns import Column, resolve_with_columns
from core.http.media_types import ARROW, OCTET_STREAM
from ...lookup.embedded import Inner
from ...models import Node
from ...lookup.nodes import check_family, resolve, split_path
from ...services.arrays import dense
from ...services.arrays import sparse as sparse_arrays
from ...services.arrays.dense import Array
from ...services.uploads import Upload
from . import sparse
from ..views import NodeView
from .export_responses import choice_of, data_answer
from .raw_array_responses import node_octets
from .idempotency import once_of, token_of
from core.http.requests import content_type, data_of_type, flag, parse_sizes, required_sizes
from core.http.responses import render

ARRAYS = (StructureFamily.array, StructureFamily.sparse)


class ArrayFullView(NodeView):
    """A whole array, or any part of it."""

    accepts_data = True
    scopes = {
        "GET": (Scope.read_data,),
        "PUT": (Scope.write_data,),
        "PATCH": (Scope.write_data,),
    }

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """The numbers of the array, or of the part that `slice` names."""
        items = parse_slice(request.query_params.get("slice", ""))
        node = _array_or_column(path)
        assert isinstance(node.structure, (ArrayStructure, SparseStructure))
        _check_expected(request, sliced_shape(node.structure.shape, items))
        if isinstance(node, Node) and node.family is StructureFamily.sparse:
            return sparse.full_answer(request, node, items)
        if not isinstance(node, Column) and _as_octets(request, node):
            return node_octets(request, node, items)
        return _answer(request, node, lambda: _read(node, items))

    def put(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite the whole array."""
        with _right_type(path), _parts_refused(path):
            if content_type(request) == ARROW:
                upload = sparse.sparse_upload(request)
                sparse_arrays.write_full(path=path, upload=upload)
            else:
                dense.write_full(path=path, upload=_upload(request))
        return render(request, None)

    def patch(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite a region, or extend the array by it; the structure after that is the answer."""
        with _parts_refused(path):
            structure = dense.write_patch(
                path=path,
                offset=required_sizes(request, "offset"),
                shape=required_sizes(request, "shape"),
                extend=flag(request, "extend", False),
                upload=replace(_upload(request), once=once_of(request)),
            )
        return render(request, structure.to_json())


class ArrayBlockView(NodeView):
    """One chunk of an array."""

    accepts_data = True
    scopes = {"GET": (Scope.read_data,), "PUT": (Scope.write_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """The numbers of the chunk, or of the part of it that `slice` names."""
        block, items = _block(request), parse_slice(request.query_params.get("slice", ""))
        node = _array_or_column(path)
        assert isinstance(node.structure, (ArrayStructure, SparseStructure))
        region = node.structure.block_region(block)
        shape = tuple(part.stop - part.start for part in region)
        _check_expected(request, sliced_shape(shape, items))
        if isinstance(node, Node) and node.family is StructureFamily.sparse:
            return sparse.block_answer(request, node, block, items)
        return _answer(request, node, lambda: _part(_read(node, region), items))

    def put(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite the chunk."""
        with _right_type(path), _parts_refused(path):
            if content_type(request) == ARROW:
                upload = sparse.sparse_upload(request)
                sparse_arrays.write_block(path=path, block=_block(request), upload=upload)
            else:
                dense.write_block(path=path, block=_block(request), upload=_upload(request))
        return render(request, None)


def _array_or_column(path: str) -> Node | Inner | Column:
    node = resolve_with_columns(path)
    check_family(node.path, node.family, ARRAYS)
    return node


@contextmanager
def _right_type(path: str) -> Iterator[None]:
    """Say what a body must be, where it is of the type of another kind of array."""
    try:
        yield
    except NotFound as error:
        family = resolve(path).family
        if family not in ARRAYS:
            raise
        wanted = ARROW if family is StructureFamily.sparse else OCTET_STREAM
        raise UnsupportedMedia(
            f"The Content-Type of data for the {family.value} at {path} must be {wanted}."
        ) from error


def _parts_refused(path: str) -> AbstractContextManager[None]:
    """Columns are read as arrays; they are written with their table."""
    return parts_refused(split_path(path), "writing of array data")


def _read(node: Node | Inner | Column, items: NDSlice) -> Array:
    if isinstance(node, Column):
        return _part(node.array, items)
    return dense.read_array(node, items)


def _part(array: Array, items: NDSlice) -> Array:
    """Like `array[items]`, but an array also where that is a single element: texts stay as wide."""
    part: Array = array[(*items, ...)]
    return part


def _upload(request: Request) -> Upload:
    persist = flag(request, "persist", True)
    return Upload(
        body=data_of_type(request, OCTET_STREAM),
        mimetype=OCTET_STREAM,
        persist=persist,
        token="" if persist else token_of(request),
    )


def _block(request: Request) -> tuple[int, ...]:
    text = request.query_params.get("block")
    if text is None:
        raise Invalid("The query parameter block is missing, as in block=0,1.")
    return parse_sizes(text, "block")


def _check_expected(request: Request, shape: tuple[int, ...]) -> None:
    text = request.query_params.get("expected_shape")
    if text is None:
        return
    expected = () if text == "scalar" else parse_sizes(text, "expected_shape")
    if expected != shape:
        raise Invalid(
            f"The expected_shape {list(expected)} does not match the requested "
            f"shape {list(shape)}. The array may have grown: read its structure again."
        )


def _as_octets(request: Request, node: Node | Inner) -> bool:
    """Return whether plain bytes are requested, which need no exporter."""
    choice = choice_of(request, node, StructureFamily.array)
    return (choice.name, choice.media_type) == (StructureFamily.array, OCTET_STREAM)


def _answer(
    request: Request, node: Node | Inner | Column, read: Callable[[], Array]
) -> HttpResponseBase:
    return data_answer(request, node, StructureFamily.array, read)
