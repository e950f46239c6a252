"""Uncompressed frames in a file.

They are read, not mapped: a writer may truncate the file at any time, and touching a mapped page
beyond its end kills the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..encoding import Array


@dataclass(frozen=True, slots=True)
class RawFrames:
    """Elements in C order from byte `offset` of a file on."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int

    def elements(self, start: int, stop: int) -> Array:
        """Read the elements from `start` to `stop`, flat. Raises EOFError past the end."""
        offset = self.offset + start * self.dtype.itemsize
        found = np.fromfile(self.path, self.dtype, stop - start, offset=offset)
        if len(found) < stop - start:
            raise EOFError(f"it is truncated: {stop - start - len(found)} elements are missing.")
        return found
