"""Uncompressed frames in a file.

They are read, not mapped: a writer may truncate the file at any time, and touching a mapped page
beyond its end kills the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bucket_files.paths import ObjectPath
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
        if isinstance(self.path, ObjectPath):
            found = _read_object(self.path, self.dtype, stop - start, offset)
        else:
            found = np.fromfile(self.path, self.dtype, stop - start, offset=offset)
        if len(found) < stop - start:
            raise EOFError(f"it is truncated: {stop - start - len(found)} elements are missing.")
        return found


def _read_object(path: ObjectPath, dtype: np.dtype[Any], count: int, offset: int) -> Array:
    target = np.empty(count * dtype.itemsize, np.uint8)
    with path.open("rb") as file:
        file.seek(offset)
        done: int = file.readinto(target.data)
    return target[: done - done % dtype.itemsize].view(dtype)
