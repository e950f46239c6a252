"""Writing of dask arrays, chunk by chunk."""

from __future__ import annotations

from typing import Any

from ..optional import require_package
from ..regions import blocks
from .array import ArrayClient
from .classes import DASK


def is_lazy(array: Any) -> bool:
    """Return whether this is an array of dask, whose chunks are of known sizes."""
    if not hasattr(array, "__dask_graph__") or not hasattr(array, "chunks"):
        return False
    return all(size == size for sizes in array.chunks for size in sizes)


def write_lazy_array(node: ArrayClient, array: Any) -> None:
    """Compute an array of dask once, and write each chunk when it is computed."""
    store = require_package("dask.array", DASK).store
    store(array.rechunk(node.chunks), _Target(node), lock=False)


class _Target:
    """An array to which dask assigns chunks."""

    def __init__(self, node: ArrayClient) -> None:
        self._node = node
        self._numbers = {_starts(region): number for number, region in blocks(node.chunks)}

    def __setitem__(self, region: Any, values: Any) -> None:
        self._node.write_block(values, self._numbers[_starts(region)])


def _starts(region: tuple[slice, ...]) -> tuple[int, ...]:
    return tuple(part.start or 0 for part in region)
