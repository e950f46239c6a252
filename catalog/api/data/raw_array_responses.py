"""Responses with the raw bytes of an array: zero-copy, or streamed in pieces if large."""

from __future__ import annotations

import math
from collections.abc import Iterator

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from tiled_client.wire.slices import NDSlice, last_element, sliced_shape
from tiled_client.wire.structure_family import StructureFamily

from ...formats.arrays import bytes_of
from core.http.media_types import OCTET_STREAM
from ...lookup.embedded import EmbeddedNode
from ...metrics import READS
from ...models import Node
from ...services.arrays.dense import Array, array_structure, check_response, iter_array, read_array
from core.http.buffer_responses import Piece
from core.http.responses import attachment_headers, binary, stream

# A larger selection is read while it is sent.
MAX_UNSTREAMED_BYTES = 8 << 20


def raw_array_response(request: Request, node: Node | EmbeddedNode, items: NDSlice) -> HttpResponseBase:
    """Return the selection `items` of a stored array. Raises as `read_array` does."""
    structure = array_structure(node)
    READS.labels(StructureFamily.array.value, OCTET_STREAM).add()
    shape, itemsize = sliced_shape(structure.shape, items), structure.dtype.itemsize
    length = math.prod(shape) * itemsize
    if length <= MAX_UNSTREAMED_BYTES:
        array = read_array(node, items)
        return binary(
            request,
            bytes_of(array),
            OCTET_STREAM,
            itemsize=array.dtype.itemsize,
            headers=attachment_headers(request),
        )
    check_response(structure, shape)
    # Fail before the response begins if the data do not exist yet.
    read_array(node, last_element(structure.shape, items))
    pieces = iter_array(node, items, most=MAX_UNSTREAMED_BYTES // 2)
    return stream(
        request,
        _bytes_of(pieces),
        OCTET_STREAM,
        length=length,
        itemsize=itemsize,
        headers=attachment_headers(request),
    )


def _bytes_of(arrays: Iterator[Array]) -> Iterator[Piece]:
    for array in arrays:
        yield bytes_of(array)
