"""Regions of interest: `100:200,50:80;0:10,0:10`, and their statistics in each frame.

A region has a range for each of the trailing axes, as many in all regions; the axes before them
count frames. Statistics are of the finite elements of a region, as far as the data reach.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import WireError
from .slices import format_slice, parse_slice

Array = np.ndarray[Any, np.dtype[Any]]
Statistics = dict[str, float | int | None]

MAX_REGIONS = 32


@dataclass(frozen=True, slots=True)
class RegionsOfInterest:
    """Regions of the trailing axes of an array."""

    regions: tuple[tuple[slice, ...], ...]

    @classmethod
    def parse(cls, text: str) -> RegionsOfInterest:
        """Parse regions, separated by semicolons. Raises WireError."""
        try:
            regions = tuple(_parse_region(part) for part in text.split(";"))
        except WireError:
            regions = ()
        if not regions or len({len(region) for region in regions}) > 1:
            raise WireError(
                "roi must be regions separated by semicolons, each with a range start:stop of "
                "non-negative integers for each of the same trailing axes, as in "
                f"100:200,50:80;0:10,0:10, not {text!r}."
            )
        if len(regions) > MAX_REGIONS:
            raise WireError(f"roi has {len(regions)} regions; at most {MAX_REGIONS} are allowed.")
        return cls(regions)

    @property
    def text(self) -> str:
        """The canonical text, which `parse` reads."""
        return ";".join(map(format_slice, self.regions))

    @property
    def ndim(self) -> int:
        """The number of axes of a region."""
        return len(self.regions[0])

    def check(self, dtype: np.dtype[Any], ndim: int) -> None:
        """Raise WireError unless arrays of `ndim` dimensions and of `dtype` have statistics."""
        if self.ndim > ndim:
            raise WireError(
                f"roi has regions of {self.ndim} dimensions, but the array, after slice, has "
                f"{ndim}."
            )
        if dtype.kind not in "biuf":
            raise WireError(
                f"roi applies to integers, floats and booleans only, not to data of dtype {dtype}."
            )

    def statistics(self, array: Array, offset: Sequence[int] = ()) -> list[list[Statistics]]:
        """Return mean, sum, min, max and count of each region in each frame, in C order.

        Parameters
        ----------
        array
            The data: whole frames, or a part of them.
        offset
            Where the part begins along each axis of a frame.
        """
        self.check(array.dtype, array.ndim)
        lead = array.ndim - self.ndim
        frames = array.reshape(math.prod(array.shape[:lead]), *array.shape[lead:])
        begin = offset or (0,) * self.ndim
        columns = [_region_statistics(frames, region, begin) for region in self.regions]
        return [list(row) for row in zip(*columns, strict=True)]


def covered(region: Sequence[slice], offset: Sequence[int], shape: Sequence[int]) -> list[slice]:
    """Return the part of a region in data of `shape` at `offset`, as slices of these data."""
    return [
        slice(max(item.start or 0, first) - first, max(min(_stop(item, end), end) - first, 0))
        for item, first, end in zip(
            region, offset, map(sum, zip(offset, shape, strict=True)), strict=True
        )
    ]


def _parse_region(text: str) -> tuple[slice, ...]:
    region = tuple(item for item in parse_slice(text) if isinstance(item, slice))
    if not region or len(region) < text.count(",") + 1 or not all(map(_is_range, region)):
        raise WireError("not a region")
    return region


def _is_range(item: slice) -> bool:
    start = item.start or 0
    return item.step is None and start >= 0 and (item.stop is None or item.stop > start)


def _stop(item: slice, end: int) -> int:
    return end if item.stop is None else int(item.stop)


def _region_statistics(
    frames: Array, region: Sequence[slice], offset: Sequence[int]
) -> list[Statistics]:
    """Return the statistics of one region in each of the frames."""
    part = frames[(slice(None), *covered(region, offset, frames.shape[1:]))]
    if not part.size:
        return [_statistics(0, 0, 0, 0) for _ in range(len(frames))]
    if part.dtype.kind == "b":
        part = part.view(np.uint8)
    axes = tuple(range(1, part.ndim))
    # A sum may exceed the largest float, and float16 is narrower than its own limits.
    with np.errstate(all="ignore"):
        if part.dtype.kind == "f":
            columns = _float_columns(part, axes)
        else:
            count = np.full(len(part), math.prod(part.shape[1:]))
            columns = [_integer_sum(part, axes), part.min(axis=axes), part.max(axis=axes), count]
    return list(map(_statistics, *(column.tolist() for column in columns)))


def _float_columns(part: Array, axes: tuple[int, ...]) -> list[Array]:
    finite = np.isfinite(part)
    # numpy is several times slower with a mask.
    where: Any = True if finite.all() else finite
    total = part.sum(axis=axes, dtype=np.float64, where=where)
    low = part.min(axis=axes, where=where, initial=np.inf)
    high = part.max(axis=axes, where=where, initial=-np.inf)
    count = np.count_nonzero(finite, axis=axes)
    return [total, low.astype(np.float64), high.astype(np.float64), count]


def _integer_sum(part: Array, axes: tuple[int, ...]) -> Any:
    if part.dtype.itemsize < 8:
        return part.sum(axis=axes)
    # Exact, however large: in halves of 32 bits, whose sums fit.
    high, low = part >> 32, part & 0xFFFFFFFF
    return high.sum(axis=axes).astype(object) * 2**32 + low.sum(axis=axes).astype(object)


def _statistics(total: Any, low: Any, high: Any, count: int) -> Statistics:
    if not count:
        return {"mean": None, "sum": None, "min": None, "max": None, "count": 0}
    # Messages hold integers of 64 bits.
    total = total if isinstance(total, float) or -(2**63) <= total < 2**64 else float(total)
    return {
        "mean": _finite(total / count),
        "sum": _finite(total),
        "min": low,
        "max": high,
        "count": count,
    }


def _finite(value: float) -> float | None:
    """Return the number; None for a sum beyond the largest float."""
    return value if math.isfinite(value) else None
