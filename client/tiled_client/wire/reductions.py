"""Reductions of arrays by blocks of cells: `mean:4,4`, `max:2`; also `sum` and `min`.

The factors apply to the trailing axes. A cell at the end of an axis that is not full is reduced
over the elements that it has, so that an axis of `n` elements becomes one of `ceil(n / factor)`.

| operation | data | dtype of the result |
| --- | --- | --- |
| `min`, `max` | integers, floats, booleans | that of the data |
| `mean` | integers up to 32 bits, booleans | float32 |
| | 64-bit integers | float64 |
| | floats, complex numbers | that of the data |
| `sum` | signed integers | int64 |
| | unsigned integers, booleans | uint64 |
| | floats | float64, or longer if the data are |
| | complex numbers | complex128, or longer if the data are |
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np

from .errors import WireError

Array = np.ndarray[Any, np.dtype[Any]]
Operation = Literal["mean", "sum", "min", "max"]

_REDUCTION = re.compile(r"([a-z]+):([1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*)")
_COMBINE: dict[str, np.ufunc] = {"mean": np.add, "sum": np.add, "min": np.fmin, "max": np.fmax}
# A factor up to this one is faster as a sum of strided views.
_MAX_VIEWS = 16


@dataclass(frozen=True, slots=True)
class Reduction:
    """An operation, and the length of its cells along each of the trailing axes."""

    operation: Operation
    factors: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Reduction:
        """Parse `OP:F1,F2,...`. Raises WireError."""
        match = _REDUCTION.fullmatch(text) if isinstance(text, str) else None
        if match is None or match[1] not in get_args(Operation):
            raise WireError(
                "reduce must be one of mean, sum, min and max, a colon, and a positive integer "
                f"for each of the trailing axes, as in mean:4,4, not {text!r}."
            )
        return cls(cast("Operation", match[1]), tuple(map(int, match[2].split(","))))

    @property
    def text(self) -> str:
        """The canonical text, which `parse` reads."""
        return f"{self.operation}:{','.join(map(str, self.factors))}"

    def check(self, dtype: np.dtype[Any], ndim: int) -> None:
        """Raise WireError unless arrays of `ndim` dimensions and of `dtype` can be reduced."""
        if len(self.factors) > ndim:
            raise WireError(
                f"reduce has {len(self.factors)} factors, but the array, after slice, has {ndim} "
                "dimensions."
            )
        self.dtype(dtype)

    def dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype of the result for data of `dtype`. Raises WireError if it has none."""
        kinds = "biufc" if self.operation in ("mean", "sum") else "biuf"
        if dtype.kind not in kinds:
            raise WireError(f"{self.operation} cannot be computed of data of dtype {dtype}.")
        if self.operation in ("min", "max"):
            return dtype
        if dtype.kind in "fc":
            result = dtype if self.operation == "mean" else np.promote_types(dtype, np.float64)
            return result.newbyteorder("<")
        if self.operation == "mean":
            return np.dtype("<f8" if dtype.itemsize == 8 else "<f4")
        return np.dtype("<i8" if dtype.kind == "i" else "<u8")

    def shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the result for data of `shape`."""
        first = len(shape) - len(self.factors)
        cells = (-(-size // n) for size, n in zip(shape[first:], self.factors, strict=True))
        return (*shape[:first], *cells)

    def apply(self, array: Array) -> Array:
        """Return the reduced array. Raises WireError if it cannot be computed.

        NaN counts only in a cell that has nothing else, which becomes NaN.
        """
        self.check(array.dtype, array.ndim)
        partial = PartialReduction(self, array.shape, array.dtype)
        partial.add(array, (0,) * array.ndim)
        return partial.result()

    def touched(self, offset: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
        """Return the cells that a part of `shape` at `offset` touches."""
        factors = (*(1,) * (len(shape) - len(self.factors)), *self.factors)
        return tuple(
            slice(first // factor, -(-(first + size) // factor))
            for first, size, factor in zip(offset, shape, factors, strict=True)
        )

    def accumulator(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the dtype in which cells are combined: for sums the smallest that is enough."""
        if self.operation in ("min", "max"):
            return dtype.newbyteorder("=")
        if dtype.kind in "fc":
            return np.promote_types(dtype, np.float64)
        if dtype.itemsize == 8:
            # A mean of large integers must not overflow; a sum has the dtype of its result.
            return np.dtype(np.float64) if self.operation == "mean" else self.dtype(dtype)
        kind = "i" if dtype.kind == "i" else "u"
        bits = 8 * dtype.itemsize + (math.prod(self.factors) - 1).bit_length()
        return np.dtype(f"{kind}{4 if bits <= 32 else 8}")

    def combine(self, array: Array, offset: Sequence[int], dtype: np.dtype[Any]) -> Array:
        """Return the cells that `array` touches if it lies at `offset`, of its elements alone."""
        ufunc = _COMBINE[self.operation]
        # From the first axis on: there whole rows, which lie together in memory, are combined.
        for axis, factor in enumerate(self.factors, array.ndim - len(self.factors)):
            if factor > 1 and array.shape[axis] > 1:
                array = _combine_axis(ufunc, array, axis, factor, offset[axis] % factor, dtype)
        return array.astype(dtype, copy=False)

    def counts(self, shape: Sequence[int]) -> Any:
        """Return the number of elements of the cells: one number if all are equal."""
        sizes = shape[len(shape) - len(self.factors) :]
        lengths = list(map(_cell_lengths, sizes, self.factors))
        if all(length[0] == length[-1] for length in lengths):
            return math.prod(int(length[0]) for length in lengths)
        grids = np.ix_(*lengths)
        return math.prod(grids[1:], start=grids[0])


class PartialReduction:
    """The reduction of an array that is added part by part."""

    def __init__(self, reduction: Reduction, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        self._reduction = reduction
        self._shape = tuple(shape)
        self._result = reduction.dtype(dtype)
        self._dtype = reduction.accumulator(dtype)
        self._cells: Array | None = None
        # Floats only: how many elements of each cell are not NaN, once there is a NaN.
        self._present: Array | None = None

    def add(self, array: Array, offset: Sequence[int]) -> None:
        """Add the part at `offset`; parts must not overlap."""
        if not array.size:
            return
        additive = self._reduction.operation in ("mean", "sum")
        missing = np.isnan(array) if additive and array.dtype.kind in "fc" else None
        has_nan = missing is not None and bool(missing.any())
        if self._cells is None and array.shape == self._shape and not has_nan:
            with np.errstate(all="ignore"):
                self._cells = self._reduction.combine(array, offset, self._dtype)
            return
        self._add(array, offset, missing if has_nan else None)

    def result(self) -> Array:
        """Return the reduced array, once all parts were added."""
        cells, mean = self._cells, self._reduction.operation == "mean"
        result = np.empty(self._reduction.shape(self._shape), self._result)
        if cells is None:
            return result
        with np.errstate(all="ignore"):
            if self._present is not None:
                # In both cases 0/0, which is NaN, where all are missing.
                divisor = self._present if mean else np.minimum(self._present, 1)
                np.true_divide(cells, divisor, out=result, casting="unsafe")
            elif mean:
                counts = self._reduction.counts(self._shape)
                np.true_divide(cells, counts, out=result, casting="unsafe")
            else:
                return cells.astype(self._result, copy=False)
        return result

    def _add(self, array: Array, offset: Sequence[int], missing: Array | None) -> None:
        reduction, shape = self._reduction, self._reduction.shape(self._shape)
        if self._cells is None:
            self._cells = np.full(shape, _identity(reduction.operation, self._dtype), self._dtype)
        if missing is not None and self._present is None:
            # Cells that are complete by now had no NaN; for the others, NaN is subtracted.
            self._present = np.array(np.broadcast_to(reduction.counts(self._shape), shape))
        place = reduction.touched(offset, array.shape)
        ufunc = _COMBINE[reduction.operation]
        with np.errstate(all="ignore"):
            filled = array if missing is None else np.where(missing, 0, array)
            part = reduction.combine(filled, offset, self._dtype)
            ufunc(self._cells[place], part, out=self._cells[place])
            if missing is not None and self._present is not None:
                self._present[place] -= reduction.combine(missing, offset, np.dtype(np.int64))


def _combine_axis(
    ufunc: np.ufunc, array: Array, axis: int, factor: int, phase: int, dtype: np.dtype[Any]
) -> Array:
    """Combine cells of `factor` elements along one axis, of the first of which `phase` lack."""
    size = array.shape[axis]
    along: tuple[Any, ...] = (slice(None),) * axis
    factor, phase = (factor, phase) if phase else (min(factor, size), 0)
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    result = np.empty((*before, -(-(phase + size) // factor), *after), dtype)
    if phase:
        head = min(factor - phase, size)
        ufunc.reduce(
            array[(*along, slice(head))], axis=axis, dtype=dtype, out=result[(*along, 0, ...)]
        )
        array = array[(*along, slice(head, None))]
    cells = result[(*along, slice(bool(phase), None))]
    full, rest = divmod(array.shape[axis], factor)
    whole, end = cells[(*along, slice(full))], full * factor
    if not full:
        pass
    elif factor <= _MAX_VIEWS:
        views = [array[(*along, slice(n, end, factor))] for n in range(factor)]
        ufunc(views[0], views[1], out=whole, dtype=dtype, casting="unsafe")
        for view in views[2:]:
            ufunc(whole, view, out=whole, dtype=dtype, casting="unsafe")
    else:
        grouped = array[(*along, slice(end))].reshape(*before, full, factor, *after)
        ufunc.reduce(grouped, axis=axis + 1, dtype=dtype, out=whole)
    if rest:
        tail = array[(*along, slice(end, None))]
        ufunc.reduce(tail, axis=axis, dtype=dtype, out=cells[(*along, full, ...)])
    return result


def _identity(operation: Operation, dtype: np.dtype[Any]) -> Any:
    """Return the value that leaves others unchanged: `fmin` and `fmax` prefer them to NaN."""
    if operation in ("mean", "sum"):
        return 0
    if dtype.kind == "f":
        return np.nan
    if dtype.kind == "b":
        return operation == "min"
    limits = np.iinfo(dtype)
    return limits.max if operation == "min" else limits.min


def _cell_lengths(size: int, factor: int) -> Array:
    factor = min(factor, size)
    lengths = np.full(-(-size // factor), factor, np.int64)
    lengths[-1] = size - factor * (len(lengths) - 1)
    return lengths
