"""Where rows end in the bytes of a CSV file (RFC 4180, read as spreadsheets and pandas do).

A row ends with a line feed that does not stand in a quoted field. A field is quoted if a quote is
its first character; a quote further on (`pipe 12"`) is an ordinary character, which RFC 4180 does
not allow, and programs write all the same. Empty lines are no rows. What comes after the last such
line feed is not a row yet.
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
    """How many rows some bytes hold, and how many bytes there are up to the end of the last."""

    rows: int
    size: int


def count_rows(data: bytes, delimiter: str = ",") -> RowCount:
    """Count the whole rows in `data`, which begins with one; trailing empty lines join the last."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(data, delimiter)
    return RowCount(len(ends) - _find_empty(codes, ends).size, int(ends[-1]) if ends.size else 0)


def row_ends(data: bytes, delimiter: str = ",") -> Array:
    """Return the place after each whole row in `data`, which begins with one; ascending."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(data, delimiter)
    return np.delete(ends, _find_empty(codes, ends))


def open_quote(data: bytes, delimiter: str = ",") -> bool:
    """Return whether `data`, which begins with a row, ends within a quoted field."""
    last = deque(_quoted(delimiter).finditer(data), maxlen=1)
    return bool(last) and last[0]["end"] != QUOTE


def _line_ends(data: bytes, delimiter: str) -> Array:
    """Return the place after each line feed that ends a line, be it empty."""
    codes = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(codes == ord(LINE_FEED))
    quotes = np.flatnonzero(codes == ord(QUOTE))
    if quotes.size:
        if not _all_in_their_place(codes, quotes, delimiter):
            fields = [match.span() for match in _quoted(delimiter).finditer(data)]
            quotes = np.array(fields, np.int64).reshape(-1)
        # Two quotes for one inside quotes leave the count as even, or as odd, as it was.
        feeds = feeds[np.searchsorted(quotes, feeds, side="right") % 2 == 0]
    return feeds + 1


def _all_in_their_place(codes: Array, quotes: Array, delimiter: str) -> bool:
    """Return whether every other quote begins a field, or is the second of two for one."""
    opening = quotes[::2]
    before = codes[opening - 1]
    begins = (before == ord(delimiter)) | (before == ord(LINE_FEED)) | (before == ord(RETURN))
    doubled = np.zeros(opening.size, bool)
    doubled[1:] = np.diff(quotes)[1::2][: opening.size - 1] == 1
    return bool(np.all(begins | doubled | (opening == 0)))


@cache
def _quoted(delimiter: str) -> re.Pattern[bytes]:
    """What finds quoted fields; `end` is empty where the last of them is not closed."""
    before = re.escape(delimiter.encode()) + rb"\r\n"
    return re.compile(rb"(?<![^" + before + rb'])"[^"]*+(?:""[^"]*+)*+(?P<end>"|\Z)')


def _find_empty(codes: Array, ends: Array) -> Array:
    """Return which lines are empty, by their numbers."""
    lengths = np.diff(ends, prepend=0)
    short = np.flatnonzero(lengths <= 2)
    begins = ends[short] - lengths[short]
    empty: Array = short[(lengths[short] == 1) | (codes[begins] == ord(RETURN))]
    return empty
