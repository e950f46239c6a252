"""Sparse arrays over HTTP, at the endpoints of arrays.

Source: docs/reference/tiled-protocol/http.md, "Array endpoints", sparse.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.sparse import Coo

from core.http.media_types import ARROW
from ...formats.sparse import Elements
from ...models import Node
from ...services.arrays import sparse
from ...services.uploads import Upload
from .export_responses import export_response
from ..idempotency_header import token_of
from ..node_header import expected_node
from core.http.requests import flag, raw_body


def sparse_upload(request: Request) -> Upload:
    """Return the body of a write to a sparse array, with its options."""
    persist = flag(request, "persist", True)
    token = "" if persist else token_of(request)
    return Upload(raw_body(request), ARROW, persist=persist, token=token, node=expected_node(request))


def full_answer(request: Request, node: Node, items: NDSlice) -> HttpResponseBase:
    """Return coordinates and values of the selection `items`."""
    return _answer(request, node, lambda: sparse.read_sparse(node, items))


def block_answer(
    request: Request, node: Node, block: tuple[int, ...], items: NDSlice
) -> HttpResponseBase:
    """Return coordinates and values of the selection `items` of a block."""
    return _answer(request, node, lambda: sparse.read_sparse_block(node, block, items))


def _answer(request: Request, node: Node, read: Callable[[], Coo]) -> HttpResponseBase:
    coordinates = sparse.sparse_structure(node).coord_data_type.to_numpy()
    return export_response(request, node, StructureFamily.sparse, lambda: Elements(read(), coordinates))
