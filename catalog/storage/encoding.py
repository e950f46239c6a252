"""Encoding of array elements on disk: numbers as numbers, all other dtypes as bytes.

Zarr v3 has data types for booleans and numbers; they are stored little-endian. Times are stored as
int64. Strings, structured dtypes and long doubles are stored as uint8 with one more dimension: the
item size in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Numpy's one-letter codes of the dtypes that zarr has; long doubles (g, G) are not among them.
NUMBERS = frozenset("?bhilqBHILQefdFD")


def little_endian(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the little-endian dtype, in numpy's normal form where that is the native order."""
    return np.dtype(dtype.newbyteorder("<").str)


@dataclass(frozen=True, slots=True)
class Encoding:
    """Arrays of `dtype` have dtype `stored` and the additional dimensions `inner` on disk."""

    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    inner: tuple[int, ...]

    @classmethod
    def of(cls, dtype: np.dtype[Any]) -> Encoding:
        """Return the encoding of any dtype without Python objects."""
        if dtype.char in NUMBERS:
            return cls(dtype, little_endian(dtype), ())
        if dtype.kind in "mM":
            return cls(dtype, np.dtype("<i8"), ())
        return cls(dtype, np.dtype("u1"), (dtype.itemsize,))

    def encode(self, array: Array) -> Array:
        """Return the array to store, of shape `array.shape + inner`; copy only if necessary."""
        array = array.astype(self.dtype, casting="equiv", copy=False)
        if self.inner:
            flat = np.ascontiguousarray(array).reshape(-1)
            return flat.view(self.stored).reshape(*array.shape, *self.inner)
        if self.dtype.kind in "mM":
            return array.astype(little_endian(self.dtype), copy=False).view(self.stored)
        return array.astype(self.stored, copy=False)

    def decode(self, stored: Array) -> Array:
        """Return the array of `dtype`, C-contiguous, of which `stored` is the encoding."""
        contiguous = np.asarray(stored, order="C")
        if self.inner:
            shape = contiguous.shape[:-1]
            return contiguous.reshape(-1).view(self.dtype).reshape(shape)
        if self.dtype.kind in "mM":
            contiguous = contiguous.view(little_endian(self.dtype))
        return contiguous.astype(self.dtype, copy=False)
