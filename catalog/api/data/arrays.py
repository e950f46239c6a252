"""Arrays over HTTP: whole, by block, by slice, by patch.

Source: docs/reference/tiled-protocol/http.md, "Array endpoints".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.errors import BadRequest, Invalid, NotFound, UnsupportedMedia
from access.principals import Scope
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.reductions import Reduction
from tiled_client.wire.slices import NDSlice, parse_slice, sliced_shape
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure

from ...lookup.parts import reject_sub_node
from ...services.tables.columns import Column, resolve_with_columns
from core.http.media_types import ARROW, OCTET_STREAM
from ...lookup.embedded import EmbeddedNode
from ...models import Node
from ...lookup.nodes import check_family, resolve, split_path
from ...services.arrays import dense
from ...services.arrays import sparse as sparse_arrays
from ...services.arrays.dense import Array
from ...services.stores.write_plans import Growth
from ...services.arrays.reduced import check_reduction, read_reduced
from ...services.uploads import Upload
from . import sparse
from ..views import NodeView
from .export_responses import negotiate_format, export_response
from .raw_array_responses import raw_array_response
from ..idempotency_header import read_idempotency_key, token_of
from ..node_header import expected_node
from core.http.requests import content_encoding, content_type, data_of_type, flag, parse_sizes, required_sizes
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
        """Return the elements of the array, or of the `slice`; with `reduce`, its reduction."""
        items = parse_slice(request.query_params.get("slice", ""))
        node = _array_or_column(path)
        assert isinstance(node.structure, (ArrayStructure, SparseStructure))
        shape = sliced_shape(node.structure.shape, items)
        reduction = _reduction(request, node, shape)
        _check_expected(request, reduction.shape(shape) if reduction else shape)
        if reduction is not None:
            return _answer(request, node, lambda: _reduced(node, items, reduction))
        if isinstance(node, Node) and node.family is StructureFamily.sparse:
            return sparse.full_answer(request, node, items)
        if not isinstance(node, Column) and _as_raw_bytes(request, node):
            return raw_array_response(request, node, items)
        return _answer(request, node, lambda: _read(node, items))

    def put(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite the whole array."""
        with _check_media_type(path), _reject_column_writes(path):
            if content_type(request) == ARROW:
                upload = sparse.sparse_upload(request)
                sparse_arrays.write_full(path=path, upload=upload)
            else:
                dense.write_full(path=path, upload=_upload(request))
        return render(request, None)

    def patch(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite a region, or extend the array by it; return the resulting structure."""
        with _reject_column_writes(path):
            structure = dense.write_patch(
                path=path,
                offset=required_sizes(request, "offset"),
                shape=required_sizes(request, "shape"),
                growth=_growth(request),
                upload=replace(_upload(request), idempotency_key=read_idempotency_key(request)),
            )
        return render(request, structure.to_json())


class ArrayBlockView(NodeView):
    """One chunk of an array."""

    accepts_data = True
    scopes = {"GET": (Scope.read_data,), "PUT": (Scope.write_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return the elements of the chunk, or of a `slice` of it; with `reduce`, its reduction."""
        block, items = _block(request), parse_slice(request.query_params.get("slice", ""))
        node = _array_or_column(path)
        assert isinstance(node.structure, (ArrayStructure, SparseStructure))
        region = node.structure.block_region(block)
        shape = sliced_shape(tuple(part.stop - part.start for part in region), items)
        reduction = _reduction(request, node, shape)
        _check_expected(request, reduction.shape(shape) if reduction else shape)
        if isinstance(node, Node) and node.family is StructureFamily.sparse:
            return sparse.block_answer(request, node, block, items)


        def read() -> Array:
            array = _part(_read(node, region), items)
            return array if reduction is None else reduction.apply(array)

        return _answer(request, node, read)

    def put(self, request: Request, path: str) -> HttpResponseBase:
        """Overwrite the chunk."""
        with _check_media_type(path), _reject_column_writes(path):
            if content_type(request) == ARROW:
                upload = sparse.sparse_upload(request)
                sparse_arrays.write_block(path=path, block=_block(request), upload=upload)
            else:
                dense.write_block(path=path, block=_block(request), upload=_upload(request))
        return render(request, None)


def _array_or_column(path: str) -> Node | EmbeddedNode | Column:
    node = resolve_with_columns(path)
    check_family(node.path, node.family, ARRAYS)
    return node


@contextmanager
def _check_media_type(path: str) -> Iterator[None]:
    """Turn NotFound into UnsupportedMedia if the body has the media type of the other family."""
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


def _reject_column_writes(path: str) -> AbstractContextManager[None]:
    """Reject a column, which is read as an array but written with its table."""
    return reject_sub_node(split_path(path), "writing of array data")


def _read(node: Node | EmbeddedNode | Column, items: NDSlice) -> Array:
    if isinstance(node, Column):
        return _part(node.array, items)
    return dense.read_array(node, items)


def _reduction(
    request: Request, node: Node | EmbeddedNode | Column, shape: tuple[int, ...]
) -> Reduction | None:
    """Return the requested reduction of a part of `shape`; None if there is none."""
    text = request.query_params.get("reduce")
    if not text:
        return None
    if not isinstance(node.structure, ArrayStructure):
        raise BadRequest("reduce applies to dense arrays only.")
    try:
        reduction = Reduction.parse(text)
        check_reduction(node.structure, shape, reduction)
    except WireError as error:
        raise BadRequest(str(error)) from error
    return reduction


def _reduced(node: Node | EmbeddedNode | Column, items: NDSlice, reduction: Reduction) -> Array:
    if isinstance(node, Column):
        return reduction.apply(_part(node.array, items))
    return read_reduced(node, items, reduction)


def _part(array: Array, items: NDSlice) -> Array:
    """Return `array[items]`, as an array even for a single element: strings keep their width."""
    part: Array = array[(*items, ...)]
    return part


def _upload(request: Request) -> Upload:
    persist = flag(request, "persist", True)
    return Upload(
        body=data_of_type(request, OCTET_STREAM, encodings=tuple(PayloadEncoding)),
        mimetype=OCTET_STREAM,
        persist=persist,
        token="" if persist else token_of(request),
        node=expected_node(request),
        encoding=PayloadEncoding(content_encoding(request)),
    )


def _growth(request: Request) -> Growth:
    # Tiled's client expects `extend` to grow an array along all dimensions.
    resize = flag(request, "resize", True)
    if not flag(request, "extend", False):
        return Growth.NONE
    return Growth.ALL if resize else Growth.FRAMES


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


def _as_raw_bytes(request: Request, node: Node | EmbeddedNode) -> bool:
    """Return whether raw bytes are requested, which need no exporter."""
    choice = negotiate_format(request, node, StructureFamily.array)
    return (choice.name, choice.media_type) == (StructureFamily.array, OCTET_STREAM)


def _answer(
    request: Request, node: Node | EmbeddedNode | Column, read: Callable[[], Array]
) -> HttpResponseBase:
    return export_response(request, node, StructureFamily.array, read)
