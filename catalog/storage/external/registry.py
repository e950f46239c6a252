"""Which formats of external files can be read, and by what."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tiled_client.wire.data_sources import Asset
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from ..encoding import Array
from ..errors import Unsupported
from . import npy, tiff
from .frames import Opener, read_frames
from .table_registry import TABLE_OPENERS
from .uris import resolve_uri


class ArrayReader(Protocol):
    """Reads what `items` select of the array of `structure` that `paths` hold, in their order.

    `items` select at least one element; `parameters` are the data source's. The result may have
    another byte order than declared. Raises StorageError.
    """

    def __call__(
        self,
        paths: Sequence[Path],
        parameters: Mapping[str, Any],
        structure: ArrayStructure,
        items: NDSlice,
    ) -> Array:
        """Read it."""
        ...


def _frames(opener: Opener) -> ArrayReader:
    def read(
        paths: Sequence[Path],
        parameters: Mapping[str, Any],
        structure: ArrayStructure,
        items: NDSlice,
    ) -> Array:
        return read_frames(opener, paths, structure, items)

    return read


ARRAY_READERS: dict[str, ArrayReader] = {
    "image/tiff": _frames(tiff.open_tiff),
    "multipart/related;type=image/tiff": _frames(tiff.open_tiff),
    "application/x-npy": _frames(npy.open_npy),
    "multipart/related;type=application/x-npy": _frames(npy.open_npy),
}


def mimetypes(family: StructureFamily) -> frozenset[str]:
    """The formats in which nodes of this family can be registered."""
    if family is StructureFamily.table:
        return frozenset(TABLE_OPENERS)
    return frozenset(ARRAY_READERS) if family is StructureFamily.array else frozenset()


def read_array(
    mimetype: str,
    assets: Iterable[Asset],
    parameters: Mapping[str, Any],
    structure: ArrayStructure,
    items: NDSlice = (),
    *,
    readable: Sequence[Path],
) -> Array:
    """What `items` select, in exactly the declared dtype, C-contiguous.

    Raises WireError for items out of bounds, Unsupported, OutsideReadable, MissingFile, NotReady
    (still being written), Unreadable (not what was declared).
    """
    reader = ARRAY_READERS.get(mimetype)
    if reader is None:
        raise Unsupported(f"Files of type {mimetype} cannot be read.")
    shape = sliced_shape(structure.shape, items)
    if not math.prod(shape):
        return np.zeros(shape, structure.dtype)
    ordered = sorted(assets, key=lambda asset: asset.num or 0)
    paths = [resolve_uri(asset.data_uri, readable) for asset in ordered]
    array = reader(paths, parameters, structure, items)
    return np.asarray(array, structure.dtype, order="C")
