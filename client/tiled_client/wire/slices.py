"""Slices of arrays in query strings (`0:2:1,1:3:1`, `5`, `::4,::4`), and their arithmetic.

Also ranges of rows of a table: `100:120`, `100:`, `:20`.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .errors import WireError

Item = int | slice
NDSlice = tuple[Item, ...]

_INTEGER = r"(-?[0-9]{1,18})"
_ROWS = re.compile(r"([0-9]{1,18})?:([0-9]{1,18})?")
_DIMENSION = re.compile(rf"{_INTEGER}|{_INTEGER}?:{_INTEGER}?(?::{_INTEGER}?)?")


def parse_slice(text: str) -> NDSlice:
    """Parse a slice; an empty string selects everything. Raises WireError."""
    if not text:
        return ()
    return tuple(_parse_item(part) for part in text.split(","))


def format_slice(items: NDSlice) -> str:
    """Return `items` as text."""
    return ",".join(_format_item(item) for item in items)


def parse_rows(text: str) -> slice:
    """Parse a range of rows; without an end it includes the last row. Raises WireError."""
    match = _ROWS.fullmatch(text)
    start, stop = (int(n) if n else None for n in match.groups()) if match else (0, -1)
    if stop is not None and stop < (start or 0):
        raise WireError(
            "rows must be start:stop, two ascending integers, either of which may be left out, as "
            f"in 100:120, not {text!r}."
        )
    return slice(start, stop)


def format_rows(offset: int, count: int) -> str:
    """Return `count` rows from number `offset` on, as text."""
    return f"{offset}:{offset + count}"


def expand_index(index: Any, ndim: int) -> NDSlice:
    """Return an index, as in `x[...]`, as one item per dimension, with `...` expanded.

    Raises IndexError for too many indices, and for types of index that are not supported.
    """
    items = index if isinstance(index, tuple) else (index,)
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not any(item is Ellipsis for item in items):
        items = (*items, Ellipsis)
    at = next(n for n, item in enumerate(items) if item is Ellipsis)
    missing = ndim - (len(items) - 1)
    if missing < 0:
        raise IndexError(f"too many indices: the array is {ndim}-dimensional")
    filled = (*items[:at], *(slice(None),) * missing, *items[at + 1 :])
    return tuple(_check_item(item) for item in filled)


def as_index(index: Any, ndim: int) -> NDSlice:
    """Return `expand_index` of an index, or of its text, such as `"1:, ::2"` or `"[1:, ::2]"`.

    Raises IndexError, and WireError for a malformed text.
    """
    if isinstance(index, str):
        return expand_index(parse_slice(index.strip().strip("[]").replace(" ", "")), ndim)
    return expand_index(index, ndim)


def sliced_shape(shape: Sequence[int], items: NDSlice) -> tuple[int, ...]:
    """Return the shape of the slice `items` of `shape`; an integer drops its dimension.

    Raises WireError for more items than dimensions, an integer out of range, a step of zero.
    """
    if len(items) > len(shape):
        raise WireError(
            f"The slice has {len(items)} parts, but the array has {len(shape)} dimensions."
        )
    result: list[int] = []
    for dimension, (size, item) in enumerate(zip(shape, items, strict=False)):
        if isinstance(item, int):
            if not -size <= item < size:
                raise WireError(
                    f"Index {item} is out of range for dimension {dimension} of size {size}."
                )
        elif item.step == 0:
            raise WireError("A slice's step must not be zero.")
        else:
            result.append(len(range(*item.indices(size))))
    return (*result, *shape[len(items) :])


def last_element(shape: Sequence[int], items: NDSlice) -> NDSlice:
    """Return the index of the last element that `items` select, of at least one."""
    whole = (*items, *(slice(None),) * (len(shape) - len(items)))
    return tuple(
        item if isinstance(item, int) else range(*item.indices(size))[-1]
        for size, item in zip(shape, whole, strict=True)
    )


def patch_region(
    shape: Sequence[int], offset: Sequence[int], patch: Sequence[int]
) -> tuple[slice, ...]:
    """Return the region of a patch; missing offsets are 0. Raises WireError if it does not fit."""
    if len(offset) > len(shape) or len(patch) != len(shape):
        raise WireError(
            f"A patch of shape {list(patch)} at offset {list(offset)} does not fit an array of "
            f"{len(shape)} dimensions."
        )
    starts = (*offset, *(0,) * (len(shape) - len(offset)))
    return tuple(slice(start, start + size) for start, size in zip(starts, patch, strict=True))


def check_growth(shape: Sequence[int], offset: Sequence[int], patch: Sequence[int]) -> None:
    """Raise WireError if a patch grows an array otherwise than by whole frames.

    A frame is what an index along the first dimension selects. A dimension of size 0 may grow.
    """
    region = patch_region(shape, offset, patch)
    if any(part.stop > size > 0 for part, size in zip(region[1:], shape[1:], strict=True)):
        raise WireError(
            f"Data of shape {list(patch)} at offset {list(offset)} reach beyond the frames of an "
            f"array of shape {list(shape)}, whose other frames would be padded with zeros: only "
            "the first dimension grows, except with resize=True."
        )
    is_frame = all(
        part == slice(0, size) or not size for part, size in zip(region[1:], shape[1:], strict=True)
    )
    starts_frame = not any(part.start for part in region[1:])
    if region and region[0].stop > shape[0] and starts_frame and not is_frame:
        raise WireError(
            f"Data of shape {list(patch)} at offset {list(offset)} are smaller than the frames of "
            f"an array of shape {list(shape)}, and the rest would be zeros: pass resize=True to "
            "write a part of a new frame."
        )


def _parse_item(part: str) -> Item:
    match = _DIMENSION.fullmatch(part)
    if match is None:
        raise WireError(
            f'Invalid slice part: "{part}". Each dimension is an integer or start:stop:step, '
            "and dimensions are separated by commas, as in 0:10,3,::2."
        )
    if match[1] is not None:
        return int(match[1])
    return slice(*(int(number) if number else None for number in match.group(2, 3, 4)))


def _format_item(item: Item) -> str:
    if isinstance(item, int):
        return str(item)
    start, stop, step = ("" if n is None else str(n) for n in (item.start, item.stop, item.step))
    return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"


def _check_item(item: Any) -> Item:
    if isinstance(item, slice):
        bounds = (item.start, item.stop, item.step)
        return slice(*(None if n is None else _bound(n) for n in bounds))
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        return int(item)
    hint = ""
    if isinstance(item, (list, np.ndarray)):
        hint = ": read a slice first, and select from the result, as in x[...][indices]"
    raise IndexError(
        f"only integers, slices and '...' can be used as an index, not {reprlib.repr(item)}{hint}"
    )


def _bound(value: Any) -> int:
    if isinstance(value, (int, np.integer)):
        return int(value)
    raise IndexError(f"the bounds of a slice must be integers or None, not {value!r}")
