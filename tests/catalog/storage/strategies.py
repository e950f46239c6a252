"""Hypothesis strategies of arrays, structures and selections that the wire format has."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

PLAIN = (
    "?,i1,<i2,>i4,<i8,u1,>u2,<u4,>u8,<f2,>f4,<f8,<c8,>c16,<M8[ns],>M8[25s],<m8[D],"
    "S5,<U3,>U2,V7,S0,U0,<f16,<c32"
).split(",")
STRUCTURED: list[Any] = [
    [("x", "<f4"), ("y", ">i2")],
    [("name", "<U2"), ("inner", [("flags", "u1", (2, 3))])],
    {"names": ["a"], "formats": ["<i2"], "itemsize": 5},
]
# Elements so large that few, or one, make up a chunk.
LARGE = ["V3000", "S9000"]


def dtypes() -> st.SearchStrategy[np.dtype[Any]]:
    return st.sampled_from([np.dtype(spec) for spec in [*PLAIN, *STRUCTURED, *LARGE]])


def chunkings(size: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Return a strategy of chunk sizes of a dimension, regular or not."""
    cuts = st.lists(st.integers(0, size), max_size=3).map(sorted)
    return cuts.map(lambda at: tuple(b - a for a, b in zip([0, *at], [*at, size], strict=True)))


@st.composite
def filled(draw: st.DrawFn) -> tuple[ArrayStructure, np.ndarray[Any, Any]]:
    """Draw a small array of any dtype, and a structure for it."""
    dtype = draw(dtypes())
    shape = tuple(draw(st.lists(st.integers(0, 12), max_size=3)))
    chunks = tuple(draw(chunkings(size)) for size in shape)
    seed = draw(st.integers(0, 1 << 32))
    return ArrayStructure(dtype_from_numpy(dtype), shape, chunks), noise(dtype, shape, seed)


def noise(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int) -> np.ndarray[Any, Any]:
    """Return an array of random bytes."""
    random = np.random.default_rng(seed)
    if dtype.kind == "b":
        return random.integers(0, 2, shape).astype(bool)
    count = int(np.prod(shape))
    if not count * dtype.itemsize:
        return np.zeros(shape, dtype)
    return np.frombuffer(random.bytes(count * dtype.itemsize), dtype).reshape(shape)


@st.composite
def selections(draw: st.DrawFn, shape: tuple[int, ...]) -> NDSlice:
    """Draw a selection within bounds: integers and slices, of at most all dimensions."""
    items: list[int | slice] = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        if size and draw(st.booleans()):
            items.append(draw(st.integers(-size, size - 1)))
        else:
            items.append(draw(st.slices(size)))
    return tuple(items)
