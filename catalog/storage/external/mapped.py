"""Frames that lie in a file as they are, mapped rather than read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..encoding import Array


@dataclass(frozen=True, slots=True)
class MappedFrames:
    """A file's elements, seen as an array."""

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all that the file holds."""
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, in the file's byte order."""
        dtype: np.dtype[Any] = self.array.dtype
        return dtype

    def elements(self, start: int, stop: int) -> Array:
        """Elements number `start` to `stop` in C order, flat."""
        return self.array.reshape(-1)[start:stop]
