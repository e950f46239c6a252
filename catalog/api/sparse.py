"""Sparse arrays over HTTP, at the addresses of arrays.

Source: the wire, "Array endpoints", sparse.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from django.http import HttpResponse
from rest_framework.request import Request

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.sparse import Coo

from ..models import Node
from ..services import sparse
from ..services.arrays import Upload
from .formats import ARROW_FILE, TABLE_FORMATS, chosen_format, serialized
from .requests import flag, raw_body
from .responses import attachment, binary


def sparse_upload(request: Request) -> Upload:
    """What the request brings."""
    return Upload(raw_body(request), ARROW_FILE, persist=flag(request, "persist", True))


def full_answer(request: Request, node: Node, items: NDSlice) -> HttpResponse:
    """Coordinates and values of the part `items`."""
    return _answer(request, node, lambda: sparse.read_sparse(node, items))


def block_answer(
    request: Request, node: Node, block: tuple[int, ...], items: NDSlice
) -> HttpResponse:
    """Coordinates and values of the part `items` of a block."""
    return _answer(request, node, lambda: sparse.read_sparse_block(node, block, items))


def _answer(request: Request, node: Node, read: Callable[[], Coo]) -> HttpResponse:
    media_type = chosen_format(request, TABLE_FORMATS)
    body = serialized(_table(node, read()), media_type, TABLE_FORMATS)
    return binary(request, body, media_type, headers=attachment(request))


def _table(node: Node, elements: Coo) -> pa.Table:
    return elements.to_arrow(sparse.sparse_structure(node).coord_data_type.to_numpy())
