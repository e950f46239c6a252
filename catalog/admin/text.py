"""Sizes, times and dtypes as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np

UNITS = ("kB", "MB", "GB", "TB", "PB")
TIMES = " \u00d7 "
MANY_RUNS = 4


def size_text(size: int) -> str:
    """Bytes in the unit (of 1000) that leaves few digits: `24.0 MB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = 1
    while size >= 999.95 * 1000**power and power < len(UNITS):
        power += 1
    return f"{size / 1000**power:.1f} {UNITS[power - 1]}"


def count_text(count: int, noun: str) -> str:
    """`1 node`, `12,000 nodes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def moment(time: datetime) -> str:
    """A time to the second, which is said to be in UTC."""
    return f"{bare_moment(time)} UTC"


def bare_moment(time: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def shape_text(shape: Sequence[int | None]) -> str:
    """The sizes with the sign of multiplication between; a single value has no dimensions."""
    sizes = ("varying" if size is None else f"{size:,}" for size in shape)
    return TIMES.join(sizes) or "a single value"


def dtype_text(dtype: np.dtype[Any]) -> str:
    """`uint16`, `uint16 big-endian`, `<U12`, `struct (x, y)`."""
    if dtype.names:
        return f"struct ({', '.join(dtype.names)})"
    if dtype.kind in "SUV":
        return dtype.str
    return f"{dtype.name} big-endian" if dtype.byteorder == ">" else dtype.name


def chunks_text(sizes: Iterable[int]) -> str:
    """The chunks along one dimension, equal ones together: nine times 100, once 50."""
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    shown = ", ".join(
        f"{count:,}{TIMES}{size:,}" if count > 1 else f"{size:,}"
        for size, count in runs[:MANY_RUNS]
    )
    rest = sum(count for _, count in runs[MANY_RUNS:])
    return f"{shown} and {rest:,} more of other sizes" if rest else shown


def specs_text(specs: Iterable[dict[str, Any]]) -> str:
    """The names of specs, with versions where they have one."""
    return ", ".join(" ".join(filter(None, (spec["name"], spec["version"]))) for spec in specs)
