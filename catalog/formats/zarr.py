"""Arrays as Zarr metadata and chunks, for Zarr clients over HTTP.

The chunks are those of the array if they are regular and not too large. Source: the Zarr
specifications 2 and 3.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from core.errors import NotAcceptable

from ..storage.layout import dimension_names

Array = np.ndarray[Any, Any]

MAX_CHUNK_BYTES = 32 << 20
"""Maximum size of a served chunk."""

COMPRESSION_LEVEL = 5
# Blosc shuffles the bytes of elements up to this size.
MAX_TYPESIZE_BYTES = 255


@dataclass(frozen=True, slots=True)
class ChunkGrid:
    """An array on a regular chunk grid; chunks at the edges are padded with zeros."""

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, shape: Sequence[int], chunks: Sequence[Sequence[int]], dtype: np.dtype[Any]
    ) -> ChunkGrid:
        """Return the regular grid nearest to `chunks`, the sizes along each dimension."""
        chunk = [max(_regular(sizes), 1) for sizes in chunks]
        for dimension in range(len(chunk)):
            rest = math.prod(chunk[dimension + 1 :]) * max(dtype.itemsize, 1)
            chunk[dimension] = min(chunk[dimension], max(MAX_CHUNK_BYTES // rest, 1))
        return cls(tuple(shape), tuple(chunk), dtype)

    def region(self, block: Sequence[int]) -> tuple[slice, ...] | None:
        """Return the region of chunk `block`; None if there is no such chunk."""
        if len(block) != len(self.shape):
            return None
        region = tuple(
            slice(number * chunk, min((number + 1) * chunk, size))
            for number, chunk, size in zip(block, self.chunk, self.shape, strict=True)
        )
        return region if all(part.start < part.stop for part in region) else None

    def encoded(self, array: Array, *, little: bool) -> bytes:
        """Return the bytes of a chunk; with `little`, little-endian whatever the dtype."""
        from numcodecs import blosc

        dtype = self.dtype.newbyteorder("<") if little else self.dtype
        whole = np.zeros(self.chunk, dtype)
        whole[tuple(slice(0, size) for size in array.shape)] = array
        octets: bytes = blosc.compress(
            whole.tobytes(), b"lz4", COMPRESSION_LEVEL, blosc.SHUFFLE, 0, _typesize(dtype)
        )
        return octets


def document_v2(grid: ChunkGrid) -> dict[str, Any]:
    """Return the content of `.zarray`. Raises NotAcceptable for a dtype without Zarr equivalent."""
    dtype, fill = _dtype(grid.dtype, 2)
    return {
        "zarr_format": 2,
        "shape": grid.shape,
        "chunks": grid.chunk,
        "dtype": dtype["name"],
        "compressor": {
            "id": "blosc",
            "cname": "lz4",
            "clevel": COMPRESSION_LEVEL,
            "shuffle": 1,
            "blocksize": 0,
        },
        "fill_value": fill,
        "order": "C",
        "filters": None,
        "dimension_separator": ".",
    }


def document_v3(
    grid: ChunkGrid, dims: Sequence[str] | None, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the content of an array's `zarr.json`. Raises NotAcceptable."""
    dtype, fill = _dtype(grid.dtype.newbyteorder("<"), 3)
    value: dict[str, Any] = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": grid.shape,
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": grid.chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": [
            {"name": "bytes", "configuration": {"endian": "little"}},
            {
                "name": "blosc",
                "configuration": {
                    "typesize": _typesize(grid.dtype),
                    "cname": "lz4",
                    "clevel": COMPRESSION_LEVEL,
                    "shuffle": "shuffle",
                    "blocksize": 0,
                },
            },
        ],
        "attributes": attributes,
    }
    if dims:
        value["dimension_names"] = dimension_names(dims)
    return value


def _dtype(dtype: np.dtype[Any], version: Literal[2, 3]) -> tuple[Any, Any]:
    """Return the Zarr data type of a dtype, and its zero."""
    from zarr.dtype import parse_data_type

    try:
        with warnings.catch_warnings():
            # zarr warns about dtypes that are in the library, but not in the specification.
            warnings.simplefilter("ignore")
            known: Any = parse_data_type(dtype, zarr_format=version)
            fill = known.to_json_scalar(known.default_scalar(), zarr_format=version)
            return known.to_json(zarr_format=version), fill
    except (ValueError, TypeError) as error:
        raise NotAcceptable(
            f"Zarr has no data type for elements of {dtype}. Request another format."
        ) from error


def _typesize(dtype: np.dtype[Any]) -> int:
    return dtype.itemsize if 0 < dtype.itemsize <= MAX_TYPESIZE_BYTES else 1


def _regular(sizes: Sequence[int]) -> int:
    """Return the chunk size of a dimension: the first, or the largest if they are irregular."""
    return sizes[0] if sizes and len(set(sizes[:-1])) <= 1 else max(sizes, default=1)
