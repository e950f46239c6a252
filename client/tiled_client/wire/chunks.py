"""Shape, chunks and dimension names, which several structures have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from .errors import WireError

Chunks = tuple[tuple[int, ...], ...]


def read_object(value: Any, name: str) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object. Raises WireError."""
    if not isinstance(value, Mapping):
        raise WireError(f"{name} must be an object, not {value!r}.")
    return value


def read_sizes(value: Any, name: str) -> tuple[int, ...]:
    """Return a list of non-negative integers as a tuple. Raises WireError."""
    if not isinstance(value, (list, tuple)) or not all(is_size(size) for size in value):
        raise WireError(f"{name} must be a list of non-negative integers, not {value!r}.")
    return tuple(value)


def is_size(value: Any) -> bool:
    """Return whether this is a non-negative integer, and not a boolean."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def read_chunks(value: Mapping[str, Any], shape: Sequence[int]) -> Chunks:
    """Return the `chunks` of a structure. Raises WireError unless they add up to `shape`."""
    chunks = value.get("chunks")
    if not isinstance(chunks, (list, tuple)):
        raise WireError(
            f"chunks must be a list of lists of sizes, one per dimension, not {chunks!r}."
        )
    sizes = tuple(read_sizes(dimension, "chunks") for dimension in chunks)
    if tuple(sum(dimension) for dimension in sizes) != tuple(shape):
        raise WireError(
            f"chunks {[list(dimension) for dimension in sizes]} do not add up to the shape "
            f"{list(shape)}."
        )
    return sizes


def read_dims(value: Mapping[str, Any], ndim: int) -> tuple[str, ...] | None:
    """Return the names of the dimensions, or None. Raises WireError."""
    dims = value.get("dims")
    if dims is None:
        return None
    if (
        not isinstance(dims, (list, tuple))
        or len(dims) != ndim
        or not all(isinstance(name, str) for name in dims)
    ):
        raise WireError(f"dims must be null or {ndim} names, not {dims!r}.")
    return tuple(dims)


def read_codec(value: Mapping[str, Any]) -> str | None:
    """Return the codec of stored chunks, or None. Raises WireError."""
    codec = value.get("codec")
    if codec is not None and not isinstance(codec, str):
        raise WireError(f"codec must be null or a string, not {codec!r:.50}.")
    return codec


def block_region(chunks: Chunks, block: Sequence[int]) -> tuple[slice, ...]:
    """Return the region that chunk number `block` covers. Raises WireError if there is none."""
    if len(block) != len(chunks):
        raise WireError(
            f"Block {','.join(map(str, block))} has {len(block)} indices, but the array has "
            f"{len(chunks)} dimensions."
        )
    region = []
    for dimension, (index, sizes) in enumerate(zip(block, chunks, strict=True)):
        if not 0 <= index < len(sizes):
            raise WireError(
                f"Block index {index} is out of range: dimension {dimension} has "
                f"{len(sizes)} chunks."
            )
        stop = list(accumulate(sizes))[index]
        region.append(slice(stop - sizes[index], stop))
    return tuple(region)
