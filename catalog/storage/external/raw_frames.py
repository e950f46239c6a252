"""Frames that lie in a file as they are.

They are read, not mapped: who wrote the file may cut it off at any time, and to touch a mapped
page that is gone ends the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..encoding import Array


@dataclass(frozen=True, slots=True)
class RawFrames:
    """Elements in C order, from byte `offset` of a file on."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int

    def elements(self, start: int, stop: int) -> Array:
        """Elements number `start` to `stop`, flat. Raises EOFError where the file ends before."""
        offset = self.offset + start * self.dtype.itemsize
        found = np.fromfile(self.path, self.dtype, stop - start, offset=offset)
        if len(found) < stop - start:
            raise EOFError(f"it ends {stop - start - len(found)} elements too early.")
        return found
