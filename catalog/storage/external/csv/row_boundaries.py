"""Row boundaries in the bytes of a CSV file (RFC 4180, as read by spreadsheets and pandas).

A row ends with a line feed outside a quoted field. A field is quoted if its first character is a
quote; a later quote (`pipe 12"`) is an ordinary character, which RFC 4180 does not allow, but
programs write. Empty lines are not rows. Bytes after the last such line feed are not a row yet.
"""

from __future__ import annotations

import re
from collections import deque
from functools import cache
from typing import NamedTuple

import numpy as np

from ...encoding import Array

LINE_FEED, RETURN, QUOTE = b"\n", b"\r", b'"'


class RowCount(NamedTuple):
    """The number of rows in some bytes, and the number of bytes up to the end of the last row."""

    rows: int
    size: int


def count_rows(data: bytes, delimiter: str = ",") -> RowCount:
    """Count the whole rows in `data`, which begins with one; trailing empty lines join the last."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(data, delimiter)
    return RowCount(len(ends) - _find_empty(codes, ends).size, int(ends[-1]) if ends.size else 0)


def row_ends(data: bytes, delimiter: str = ",") -> Array:
    """Return the offset after each complete row in `data`, which begins with one; ascending."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(data, delimiter)
    return np.delete(ends, _find_empty(codes, ends))


def open_quote(data: bytes, delimiter: str = ",") -> bool:
    """Return whether `data`, which begins with a row, ends within a quoted field."""
    last = deque(_quoted(delimiter).finditer(data), maxlen=1)
    return bool(last) and last[0]["end"] != QUOTE


def _line_ends(data: bytes, delimiter: str) -> Array:
    """Return the offset after each line feed that ends a line, also an empty one."""
    codes = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(codes == ord(LINE_FEED))
    quotes = np.flatnonzero(codes == ord(QUOTE))
    if quotes.size:
        if not _all_in_their_place(codes, quotes, delimiter):
            fields = [match.span() for match in _quoted(delimiter).finditer(data)]
            quotes = np.array(fields, np.int64).reshape(-1)
        # An escaped quote is two quotes, which keeps the parity of the count.
        feeds = feeds[np.searchsorted(quotes, feeds, side="right") % 2 == 0]
    return feeds + 1


def _all_in_their_place(codes: Array, quotes: Array, delimiter: str) -> bool:
    """Return whether every opening quote begins a field, or is the second of an escaped quote."""
    opening = quotes[::2]
    before = codes[opening - 1]
    begins = (before == ord(delimiter)) | (before == ord(LINE_FEED)) | (before == ord(RETURN))
    doubled = np.zeros(opening.size, bool)
    doubled[1:] = np.diff(quotes)[1::2][: opening.size - 1] == 1
    return bool(np.all(begins | doubled | (opening == 0)))


@cache
def _quoted(delimiter: str) -> re.Pattern[bytes]:
    """Return the pattern of a quoted field; `end` is empty if the field is not closed."""
    before = re.escape(delimiter.encode()) + rb"\r\n"
    return re.compile(rb"(?<![^" + before + rb'])"[^"]*+(?:""[^"]*+)*+(?P<end>"|\Z)')


def _find_empty(codes: Array, ends: Array) -> Array:
    """Return the indices of the empty lines."""
    lengths = np.diff(ends, prepend=0)
    short = np.flatnonzero(lengths <= 2)
    begins = ends[short] - lengths[short]
    empty: Array = short[(lengths[short] == 1) | (codes[begins] == ord(RETURN))]
    return empty
