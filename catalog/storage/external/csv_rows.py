"""Where rows end in the bytes of a CSV file (RFC 4180).

A row ends with a line feed that does not stand between quotes. Empty lines are no rows. What comes
after the last such line feed is not a row yet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..encoding import Array

LINE_FEED, RETURN, QUOTE = b"\n", b"\r", b'"'


class Counted(NamedTuple):
    """How many rows some bytes hold, and how many bytes there are up to the end of the last."""

    rows: int
    size: int


def count_rows(data: bytes) -> Counted:
    """The whole rows in `data`, which begins with one; empty lines after the last are with it."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(codes)
    return Counted(len(ends) - _empty(codes, ends).size, int(ends[-1]) if ends.size else 0)


def row_ends(data: bytes) -> Array:
    """The place after each whole row in `data`, which begins with one; ascending."""
    codes = np.frombuffer(data, np.uint8)
    ends = _line_ends(codes)
    return np.delete(ends, _empty(codes, ends))


def _line_ends(codes: Array) -> Array:
    """The place after each line feed that ends a line, be it empty."""
    feeds = np.flatnonzero(codes == ord(LINE_FEED))
    quotes = np.flatnonzero(codes == ord(QUOTE))
    if quotes.size:
        # Two quotes for one inside quotes leave the count as even, or as odd, as it was.
        feeds = feeds[np.searchsorted(quotes, feeds) % 2 == 0]
    return feeds + 1


def _empty(codes: Array, ends: Array) -> Array:
    """Which lines are empty, by their numbers."""
    lengths = np.diff(ends, prepend=0)
    short = np.flatnonzero(lengths <= 2)
    begins = ends[short] - lengths[short]
    empty: Array = short[(lengths[short] == 1) | (codes[begins] == ord(RETURN))]
    return empty
