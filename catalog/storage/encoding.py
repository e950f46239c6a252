"""How the elements of an array lie on disk: numbers as themselves, all else as bytes.

Zarr v3 has names for booleans and numbers; they are stored little-endian. Times are stored as
int64. Texts, structures and long doubles are stored as uint8 with one more dimension, of the
element's size in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

NUMBERS = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "float16 float32 float64 complex64 complex128".split()
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """Arrays of `dtype` are of dtype `stored` on disk, and have the `inner` dimensions more."""

    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    inner: tuple[int, ...]

    @classmethod
    def of(cls, dtype: np.dtype[Any]) -> Encoding:
        """The encoding of any dtype without Python objects."""
        if dtype.name in NUMBERS:
            return cls(dtype, dtype.newbyteorder("<"), ())
        if dtype.kind in "mM":
            return cls(dtype, np.dtype("<i8"), ())
        return cls(dtype, np.dtype("u1"), (dtype.itemsize,))

    def encode(self, array: Array) -> Array:
        """What to store for `array`, of shape `array.shape + inner`; copies only where it must."""
        array = array.astype(self.dtype, casting="equiv", copy=False)
        if self.inner:
            flat = np.ascontiguousarray(array).reshape(-1)
            return flat.view(self.stored).reshape(*array.shape, *self.inner)
        if self.dtype.kind in "mM":
            return array.astype(self.dtype.newbyteorder("<"), copy=False).view(self.stored)
        return array.astype(self.stored, copy=False)

    def decode(self, stored: Array) -> Array:
        """The array of `dtype`, C-contiguous, that was stored as `stored`."""
        contiguous = np.asarray(stored, order="C")
        if self.inner:
            shape = contiguous.shape[:-1]
            return contiguous.reshape(-1).view(self.dtype).reshape(shape)
        if self.dtype.kind in "mM":
            contiguous = contiguous.view(self.dtype.newbyteorder("<"))
        return contiguous.astype(self.dtype, copy=False)
