"""HTML pages: an image, or rows of text. All data and names are escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import numpy as np

from ..services.tables.reading import RowSelection
from ..storage.tables import empty
from .arrays import has_texts, texts_of
from .exports import Export, unsupported_data_error, unsupported_shape_error
from .images import can_render, png
from .text_tables import text_rows, text_table

Array = np.ndarray[Any, Any]

# Browsers do not render larger tables.
MAX_CELLS = 1_000_000
HEAD = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    "<body>\n"
)
FOOT = "</body></html>\n"


def array_page(export: Export[Array]) -> Iterator[bytes]:
    """Yield a page with a 2D or colour array as an image, and others as rows of values."""
    array = export.data
    if array.ndim >= 2 and can_render(array):
        return _page(export.key, [_picture(export)])
    if array.ndim > 2 or array.size > MAX_CELLS:
        raise unsupported_shape_error(array.shape, export.media_type)
    if not has_texts(array.dtype):
        raise unsupported_data_error(
            f"elements of {array.dtype} have no text form", export.media_type
        )
    rows = texts_of(array.reshape(-1, 1) if array.ndim < 2 else array)
    return _page(export.key, ["<table>\n", *map(_row, rows), "</table>\n"])


def table_page(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield a page with the rows below the column names."""
    return _page(export.key, _table(export.data))


def _page(title: str, parts: Iterable[str]) -> Iterator[bytes]:
    yield HEAD.format(title=escape(title)).encode()
    for part in parts:
        yield part.encode("utf-8", "backslashreplace")
    yield FOOT.encode()


def _picture(export: Export[Array]) -> str:
    content = base64.b64encode(png(export)).decode()
    return f'<img alt="{escape(export.key)}" src="data:image/png;base64,{content}">\n'


def _table(rows: RowSelection) -> Iterator[str]:
    yield "<table>\n<thead>"
    yield _row(text_table(empty(rows.schema)).column_names, "th")
    yield "</thead>\n<tbody>\n"
    for piece in text_rows(rows):
        columns = [map(_text, column.to_pylist()) for column in piece.columns]
        yield "".join(_row(row) for row in zip(*columns, strict=True))
    yield "</tbody>\n</table>\n"


def _row(values: Sequence[str], tag: str = "td") -> str:
    cells = "".join(f"<{tag}>{escape(value)}</{tag}>" for value in values)
    return f"<tr>{cells}</tr>\n"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
