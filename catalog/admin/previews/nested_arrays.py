"""Previews of sparse, ragged and awkward arrays: their first elements, as text."""

from __future__ import annotations

import io
from typing import Any

from django.db.models import Sum

from core.errors import BadRequest
from core.text import format_count
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import DATA, dim_names

from ...models import Node
from ...services.arrays.awkward import read_awkward
from ...services.arrays.ragged import read_ragged
from ...services.arrays.sparse import read_sparse
from .rows import MAX_ROWS, PreviewRows, value_text

# Sparse and awkward arrays are read whole.
MAX_READ_BYTES = 16_000_000
MAX_ITEMS = 12
WIDTH = 100


def first_elements(node: Node) -> PreviewRows:
    """Return the first elements of a sparse array, with coordinates. Raises BadRequest if large."""
    _check_size(node)
    elements = read_sparse(node)
    total = len(elements.data)
    count = min(total, MAX_ROWS)
    places = elements.coords[:, :count].T.tolist()
    values = elements.data[:count].tolist()
    rows = [
        [*(f"{place:,}" for place in row), value_text(value)]
        for row, value in zip(places, values, strict=True)
    ]
    more = f", the first {count} shown" if total > count else ""
    columns = [*dim_names(len(elements.shape)), DATA]
    return PreviewRows(columns, rows, total, f"{format_count(total, 'element')}{more}")


def first_ragged_rows(node: Node, structure: RaggedStructure) -> str:
    """Return the first rows of a ragged array."""
    return _text(read_ragged(node, (slice(0, min(structure.rows, MAX_ITEMS)),)))


def first_items(node: Node) -> str:
    """Return the first items of an awkward array. Raises BadRequest (too large), Conflict."""
    _check_size(node)
    return _text(read_awkward(node)[:MAX_ITEMS])


def _text(array: Any) -> str:
    text = io.StringIO()
    array.show(limit_rows=MAX_ITEMS + 2, limit_cols=WIDTH, stream=text)
    return text.getvalue()


def _check_size(node: Node) -> None:
    assert node.source is not None
    size = node.source.assets.aggregate(size=Sum("size"))["size"] or 0
    if size > MAX_READ_BYTES:
        raise BadRequest(
            f"The data are too large for a preview (more than {MAX_READ_BYTES:,} bytes)."
        )
