"""The `zarr.json` of an array's folder: plain zarr v3, on a regular chunk grid.

Its shape follows the catalog's, for other readers of the folder; this server uses the catalog's.
Its chunk shape is authoritative for all readers.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from tiled_client.wire.structures import ArrayStructure

from .atomic_write import replace_file
from .chunk_codecs import zarr_codecs
from .encoding import Encoding, little_endian
from .errors import MissingFile, Unreadable

NAME = "zarr.json"
# Attribute with the state of the written chunks (see `Written`); older folders do not have it.
_WRITTEN = "written_chunks"
_SHAPE = re.compile(rb'\{"shape":\[([ \d,]*)\],')
_STATE = re.compile(rb'"attributes":\{"written_chunks":"(none|some|all )",')
# Smaller chunks cost a file and a disk block each; patches of larger ones rewrite too much.
MIN_CHUNK_BYTES = 8 * 1024
MAX_CHUNK_BYTES = 64 * 1024 * 1024


class Written(Enum):
    """State of the chunks within the catalog's shape; None instead of it means unknown."""

    NONE = b"none"
    SOME = b"some"
    """Those with a mark (see `chunks.written_marks`)."""
    ALL = b"all "


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape and chunks on disk in elements, including `Encoding.inner`.

    `recorded` says whether the folder records its written chunks (see `chunks.written`). `codec` is
    that of the node (see `chunk_codecs`); None if chunks are not compressed.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    zarr_type: str
    recorded: bool = True
    codec: str | None = None

    @property
    def stored(self) -> np.dtype[Any]:
        """The dtype on disk."""
        return little_endian(np.dtype(self.zarr_type))

    @property
    def chunk_bytes(self) -> int:
        """The size in bytes of a chunk that is not compressed."""
        return math.prod(self.chunk) * self.stored.itemsize


def plan(structure: ArrayStructure, *, chunk: tuple[int, ...] | None = None) -> Layout:
    """Return the layout for `structure`: its chunks, or `chunk`, brought to a reasonable size."""
    encoding = Encoding.of(structure.dtype)
    if chunk is None:
        declared = [_declared(sizes) for sizes in structure.chunks]
        chunk = (
            *_reasonable(declared, structure.dtype.itemsize),
            *(max(n, 1) for n in encoding.inner),
        )
    shape = structure.shape + encoding.inner
    return Layout(shape, chunk, encoding.stored.name, codec=structure.codec)


def plan_first_write(structure: ArrayStructure) -> Layout:
    """Return the layout for an array that was empty until now: one chunk per write."""
    encoding = Encoding.of(structure.dtype)
    chunk = _reasonable(structure.shape, structure.dtype.itemsize)
    return plan(structure, chunk=(*chunk, *(max(n, 1) for n in encoding.inner)))


def reshape(layout: Layout, structure: ArrayStructure) -> Layout:
    """Return the layout with the shape of `structure`."""
    return replace(layout, shape=structure.shape + Encoding.of(structure.dtype).inner)


def document(layout: Layout, structure: ArrayStructure) -> dict[str, Any]:
    """Return the content of `zarr.json`; the attributes keep dtypes that zarr cannot name."""
    value: dict[str, Any] = {
        "shape": layout.shape,
        "zarr_format": 3,
        "node_type": "array",
        "data_type": layout.zarr_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": layout.chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": _fill_value(layout.stored),
        "codecs": zarr_codecs(layout.codec, layout.stored.itemsize),
        "attributes": {"data_type": structure.data_type.to_json(), "dtype": str(structure.dtype)},
    }
    if structure.dims is not None:
        inner = (None,) * (len(layout.shape) - len(structure.shape))
        value["dimension_names"] = (*dimension_names(structure.dims), *inner)
    return value


def dimension_names(dims: Sequence[str | None]) -> list[str | None]:
    """Return the names of dimensions for a Zarr document, which has no name twice.

    TiledWriter names all dimensions of one length alike. TensorStore rejects that.
    """
    return [None if not name or name in dims[:n] else name for n, name in enumerate(dims)]


def write_layout(
    directory: Path,
    layout: Layout,
    structure: ArrayStructure,
    written: Written | None,
    *,
    sync: bool = False,
) -> None:
    """Write `zarr.json` atomically.

    The shape and `written` come first, in fixed width, so that they can be updated in place.
    """
    value = document(layout, structure)
    value.pop("shape")
    attributes = orjson.dumps(value.pop("attributes"))[1:]
    start = b'"attributes":{' if written is None else _state_text(written)
    content = _shape_text(layout.shape) + start + attributes + b"," + orjson.dumps(value)[1:]
    replace_file(directory / NAME, content, sync=sync)


def update_shape(directory: Path, layout: Layout) -> bool:
    """Update the shape in a `zarr.json` in place; return False if this module did not write it.

    The few bytes at the start of one page change atomically: 0.02 ms per append, where replacing
    the file takes 0.5 ms.
    """
    descriptor = os.open(f"{directory}/{NAME}", os.O_RDWR)
    try:
        ours = _shape_at(descriptor, len(layout.shape)) is not None
        if ours:
            os.pwrite(descriptor, _shape_text(layout.shape), 0)
    finally:
        os.close(descriptor)
    return ours


def read_shape(directory: Path, ndim: int) -> tuple[int, ...] | None:
    """Return the shape in the first bytes of a `zarr.json` that this module wrote, else None."""
    try:
        descriptor = os.open(f"{directory}/{NAME}", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _shape_at(descriptor, ndim)
    finally:
        os.close(descriptor)


def shape_on_disk(directory: Path, structure: ArrayStructure) -> tuple[int, ...]:
    """Return the shape in a `zarr.json`. Raises as `read_layout` does."""
    ndim = len(structure.shape) + len(Encoding.of(structure.dtype).inner)
    return read_shape(directory, ndim) or read_layout(directory, structure).shape


def read_written(directory: Path, ndim: int) -> Written | None:
    """Read the state of the written chunks; None if it is unknown.

    It is not cached: within a clock tick, a file may change without a new modification time.
    """
    try:
        descriptor = os.open(f"{directory}/{NAME}", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return _written_at(descriptor, ndim)
    finally:
        os.close(descriptor)


def update_written(directory: Path, ndim: int, written: Written, *, sync: bool = False) -> None:
    """Update the state of the written chunks in place, if the folder records it."""
    descriptor = os.open(f"{directory}/{NAME}", os.O_RDWR)
    try:
        if _written_at(descriptor, ndim) not in (None, written):
            os.pwrite(descriptor, _state_text(written), len(_shape_text((0,) * ndim)))
            if sync:
                os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def read_layout(directory: Path, structure: ArrayStructure) -> Layout:
    """Read the layout of a folder. Raise MissingFile, or Unreadable for another structure."""
    path = directory / NAME
    try:
        value = _load(path)
        grid = value["chunk_grid"]["configuration"]["chunk_shape"]
        recorded = _WRITTEN in value.get("attributes", {})
        shape, zarr_type = tuple(value["shape"]), value["data_type"]
        layout = Layout(shape, tuple(grid), zarr_type, recorded, structure.codec)
    except FileNotFoundError as error:
        raise MissingFile(f"The array's folder {directory} does not exist.") from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Unreadable(f"{path} is not the metadata of a zarr v3 array.") from error
    expected = plan(structure, chunk=layout.chunk)
    if (layout.zarr_type, len(layout.shape)) != (expected.zarr_type, len(expected.shape)):
        raise Unreadable(
            f"{path} has {len(layout.shape)} dimensions of {layout.zarr_type}, but "
            f"{len(expected.shape)} of {expected.zarr_type} are declared."
        )
    return layout


def _load(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        # Another process may have updated the shape during the read: try once more.
        return orjson.loads(path.read_bytes())


def _shape_at(descriptor: int, ndim: int) -> tuple[int, ...] | None:
    found = _SHAPE.fullmatch(os.pread(descriptor, len(_shape_text((0,) * ndim)), 0))
    return None if found is None else tuple(map(int, filter(None, found[1].split(b","))))


def _written_at(descriptor: int, ndim: int) -> Written | None:
    begin = len(_shape_text((0,) * ndim))
    found = _STATE.fullmatch(os.pread(descriptor, len(_state_text(Written.NONE)), begin))
    return None if found is None else Written(found[1])


def _state_text(written: Written) -> bytes:
    return b'"attributes":{"%s":"%s",' % (_WRITTEN.encode(), written.value)


def _shape_text(shape: Sequence[int]) -> bytes:
    return b'{"shape":[' + b",".join(b"%19d" % size for size in shape) + b"],"


def _declared(sizes: Sequence[int]) -> int:
    """Return the chunk size of a dimension: the first, or the largest if they are irregular."""
    regular = len(set(sizes[:-1])) <= 1
    return sizes[0] if regular and sizes else max(sizes, default=1)


def _reasonable(sizes: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Return chunk sizes within the byte limits, adjusted along the first dimensions."""
    chunk = [max(size, 1) for size in sizes]
    for dimension in range(len(chunk)):
        rest = math.prod(chunk[dimension + 1 :]) * max(itemsize, 1)
        fitting = max(MAX_CHUNK_BYTES // rest, 1)
        pieces = -(-chunk[dimension] // fitting)
        chunk[dimension] = -(-chunk[dimension] // pieces)
        if pieces == 1:
            break
    if chunk:
        chunk[0] *= max(MIN_CHUNK_BYTES // (math.prod(chunk) * max(itemsize, 1)), 1)
    return tuple(chunk)


def _fill_value(stored: np.dtype[Any]) -> Any:
    match stored.kind:
        case "b":
            return False
        case "c":
            return [0.0, 0.0]
        case "f":
            return 0.0
    return 0
