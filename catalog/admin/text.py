"""Format shapes, dtypes, chunks and specs for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from core.text import TIMES_SIGN, format_count

MAX_CHUNK_RUNS = 4
MAX_COLUMNS = 5


def format_shape(shape: Sequence[int | None]) -> str:
    """Return the sizes joined by multiplication signs; a single value has no dimensions."""
    sizes = ("varying" if size is None else f"{size:,}" for size in shape)
    return TIMES_SIGN.join(sizes) or "a single value"


def format_dtype(dtype: np.dtype[Any]) -> str:
    """Return a dtype such as `uint16`, `uint16 big-endian`, `<U12`, `struct (x, y)`."""
    if dtype.names:
        return f"struct ({', '.join(dtype.names)})"
    if dtype.kind in "SUV":
        return dtype.str
    return f"{dtype.name} big-endian" if dtype.byteorder == ">" else dtype.name


def format_chunks(sizes: Iterable[int]) -> str:
    """Return the chunks along one dimension, with runs of equal ones as a count times a size."""
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    shown = ", ".join(
        f"{count:,}{TIMES_SIGN}{size:,}" if count > 1 else f"{size:,}"
        for size, count in runs[:MAX_CHUNK_RUNS]
    )
    rest = sum(count for _, count in runs[MAX_CHUNK_RUNS:])
    return f"{shown} and {rest:,} more of other sizes" if rest else shown


def format_columns(names: Sequence[str]) -> str:
    """Return the number of columns, and the first names."""
    more = ", …" if len(names) > MAX_COLUMNS else ""
    return f"{format_count(len(names), 'column')}: {', '.join(names[:MAX_COLUMNS])}{more}"


def format_specs(specs: Iterable[dict[str, Any]]) -> str:
    """Return the names of specs, with their versions."""
    return ", ".join(" ".join(filter(None, (spec["name"], spec["version"]))) for spec in specs)
