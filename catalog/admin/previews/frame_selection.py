"""Select the part of an array to read for a preview image, so that huge arrays cost no more.

Whole frames are read without steps: a step would not reduce the chunks or compressed pages read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiled_client.wire.slices import NDSlice

MAX_READ_BYTES = 128 * 1024 * 1024
COLOURS = (3, 4)


@dataclass(frozen=True, slots=True)
class FrameSelection:
    """An array of at least two dimensions, seen as frames.

    `axes` is how many of the last dimensions make a frame: 2, or 3 with colours. `count` is the
    number of frames, in C order.
    """

    shape: tuple[int, ...]
    itemsize: int
    axes: int

    @classmethod
    def of(cls, shape: Sequence[int], dtype: np.dtype[Any]) -> FrameSelection:
        """Return the frames of an array: in colour for bytes with 3 or 4 values per pixel."""
        coloured = len(shape) > 2 and shape[-1] in COLOURS and dtype == np.uint8
        return cls(tuple(shape), dtype.itemsize, 3 if coloured else 2)

    @property
    def coloured(self) -> bool:
        """Whether the last dimension holds the colours."""
        return self.axes == 3

    @property
    def stack(self) -> tuple[int, ...]:
        """The dimensions along which the frames are counted."""
        return self.shape[: -self.axes]

    @property
    def count(self) -> int:
        """The number of frames."""
        return math.prod(self.stack)

    def index(self, number: int) -> tuple[int, ...]:
        """Return the index of frame `number` in the leading dimensions."""
        return tuple(int(n) for n in np.unravel_index(number, self.stack)) if self.stack else ()

    @property
    def window(self) -> tuple[slice, slice]:
        """The middle of a frame, as much of it as may be read; usually all of it."""
        height, width = self.shape[-self.axes :][:2]
        pixel = self.itemsize * (self.shape[-1] if self.coloured else 1)
        most = max(MAX_READ_BYTES // max(pixel, 1), 1)
        columns = min(width, max(most // max(height, 1), math.isqrt(most)))
        rows = min(height, max(most // max(columns, 1), 1))
        return _middle(height, rows), _middle(width, columns)

    def items(self, number: int) -> NDSlice:
        """Return the slice to read for frame `number`."""
        return (*self.index(number), *self.window)

    def candidates(self) -> list[int]:
        """Return frames to show, best first: the newest one, unless it was not written yet."""
        return list(dict.fromkeys([self.count - 1, self.count // 2, 0]))


def last_values(size: int, itemsize: int) -> slice:
    """Return the last part of a one-dimensional array that may be read."""
    return slice(max(size - MAX_READ_BYTES // max(itemsize, 1), 0), size)


def _middle(size: int, part: int) -> slice:
    start = (size - part) // 2
    return slice(start, start + part)
