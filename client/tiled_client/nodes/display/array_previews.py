"""Previews of arrays: a picture, a line or a few values, of a bounded number of elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...http.operations import run
from .lines import band, line
from .markup import Markup, dim, join, tag, text_block
from .pictures import MAX_COLOUR_SIDE, MAX_SIDE, colour_picture, level_picture, sides
from .texts import clipped, joined

# A larger array or frame is shown in part: the server reads all that a reduction covers.
MAX_COVERED = 2**25
MAX_POINTS = 600
MAX_VALUES, MAX_VALUE_BYTES, MAX_TEXT = 10, 2**18, 1500
COLOURS = (3, 4)


def array_preview(node: Any) -> Markup:
    """Return the preview of an array, by its dimensions and its type."""
    shape, dtype = node.shape, node.dtype
    if 0 in shape:
        return dim("no elements")
    if not shape or dtype.kind not in "biufc":
        return _values(node)
    if len(shape) == 1:
        return _series(node)
    is_colour = len(shape) > 2 and shape[-1] in COLOURS and dtype == np.uint8
    return _picture(node, 3 if is_colour else 2)


def _picture(node: Any, ndim: int) -> Markup:
    """Return a picture of the newest frame, whose pixels are the last `ndim` dimensions."""
    height, width = shown = _covered(node.shape[len(node.shape) - ndim :][:2])
    first = len(node.shape) - ndim
    index = (*(size - 1 for size in node.shape[:first]), slice(0, height), slice(0, width))
    factors = _factors(shown, MAX_SIDE if ndim == 2 else MAX_COLOUR_SIDE)
    pixels = _read(node, index, (*factors, 1)[:ndim], "mean")
    if ndim == 3:
        image, values = colour_picture(pixels, sides(shown)), ""
    else:
        image, values = level_picture(pixels, sides(shown))
    if node.dtype.kind == "c":
        values = f"absolute values {values}"
    facts = [values, _frame_text(node, first), _part_text(node, index), _cell_text(factors)]
    return join(image, tag("br"), dim(", ".join(filter(None, facts))))


def _series(node: Any) -> Markup:
    """Return the line of a 1-d array: of a long one, the range of values in each step."""
    (size,) = node.shape
    index = (slice(max(size - MAX_COVERED, 0), size),)
    factor = math.ceil((size - index[0].start) / MAX_POINTS)
    if factor > 1 and _is_reduced(node):
        low = _read(node, index, (factor,), "min")
        drawn, values = band(low, _read(node, index, (factor,), "max"))
    else:
        drawn, values = line(_read(node, index, (factor,), "min"))
    if node.dtype.kind == "c":
        values = f"absolute values {values}"
    facts = [values, _part_text(node, index)]
    return join(drawn, tag("br"), dim(", ".join(filter(None, facts))))


def _values(node: Any) -> Markup:
    """Return a few values as text."""
    count = min(MAX_VALUES, MAX_VALUE_BYTES // max(node.dtype.itemsize, 1))
    if not count:
        return dim(f"each element has {node.dtype.itemsize} bytes")
    first = max(len(node.shape) - 1, 0)
    index = (*(size - 1 for size in node.shape[:first]), slice(0, count))[: len(node.shape)]
    found = np.asarray(run(node._read_slice(index)))
    more = bool(node.shape) and count < node.shape[-1]
    text = clipped(np.array2string(found, threshold=MAX_VALUES), MAX_TEXT)
    facts = joined(_frame_text(node, first), f"first {count} of {node.shape[-1]}" if more else "")
    return join(text_block(text), dim(facts))


def _read(node: Any, index: tuple[Any, ...], factors: tuple[int, ...], operation: str) -> Any:
    """Fetch a part, of which each cell of `factors` elements becomes one: by the server."""
    if max(factors) == 1:
        found = run(node._read_slice(index))
    elif _is_reduced(node):
        reduce = f"{operation}:{','.join(map(str, factors))}"
        found = run(node._read_reduced(index, reduce))
    else:
        steps = [1] * (len(index) - len(factors)) + [*factors]
        strided = [
            slice(part.start, part.stop, step) if isinstance(part, slice) else part
            for part, step in zip(index, steps, strict=False)
        ]
        found = run(node._read_slice(tuple(strided)))
    return np.abs(found) if node.dtype.kind == "c" else found


def _is_reduced(node: Any) -> bool:
    """Return whether the server computes reductions of this array, which Tiled's does not.

    The mean of complex numbers would be near zero where their phase turns.
    """
    supported: bool = node.requests.supports_idempotency
    return supported and node.dtype.kind != "c"


def _covered(frame: tuple[int, int]) -> tuple[int, int]:
    """Return height and width of the part of a frame that is shown."""
    width = min(frame[1], MAX_COVERED)
    return min(frame[0], max(MAX_COVERED // width, 1)), width


def _factors(frame: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the height and width of a cell; square, unless the frame is much longer than wide."""
    height, width = (math.ceil(size / most) for size in frame)
    is_long = max(frame) > 8 * min(frame)
    return (height, width) if is_long else (max(height, width),) * 2


def _frame_text(node: Any, first: int) -> str:
    if not first or math.prod(node.shape[:first]) == 1:
        return ""
    numbers = ", ".join(str(size - 1) for size in node.shape[:first])
    return f"the newest frame [{numbers}]"


def _part_text(node: Any, index: tuple[Any, ...]) -> str:
    """Return which part is shown, if it is not all."""
    parts = [part for part in index if isinstance(part, slice)]
    first = len(index) - len(parts)
    whole = all(
        (part.start, part.stop) == (0, size)
        for part, size in zip(parts, node.shape[first:], strict=False)
    )
    return "" if whole else f"part [{', '.join(f'{p.start}:{p.stop}' for p in parts)}]"


def _cell_text(factors: tuple[int, int]) -> str:
    return "" if max(factors) == 1 else f"a pixel for {factors[0]} x {factors[1]} elements"
