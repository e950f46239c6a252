"""Updates of arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...documents import read_data_sources
from ...errors import InvalidResponse
from ...http.responses import OCTETS
from ...regions import block_offset
from ...tables import ARROW
from ...wire.data_sources import DataSource
from ...wire.encodings import PayloadEncoding, decode_payload, parse_encoding
from ...wire.errors import WireError
from ..protocol.messages import Map, Schema, optional_sizes, sizes
from .base import ArrayPayloadUpdate, Common, DataUpdate, Update, builds, dtype_of, payload_fields
from .sparse import SparseUpdate

STATISTICS = np.dtype(
    [("mean", "f8"), ("sum", "f8"), ("min", "f8"), ("max", "f8"), ("count", "i8")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayUpdate(ArrayPayloadUpdate):
    """Numbers were written to an array.

    `shape` and `offset` say where: a full write has the offset 0 along each dimension. A chunk also
    has its `block` number, and the offset None if its place cannot be computed from the chunks that
    the node is known to have; with `recursive`, `update.node` fetches them. If the subscription has
    a `slice` or `reduce`, both refer to the sliced and reduced array, and `dtype` is that of the
    reduction. Numbers that are not `persisted` are stored nowhere. `encoding` is how the `payload`
    is compressed, if it is (see `accept_encoding` of `subscribe`).

    Examples
    --------
    >>> with x.updates(start=0) as updates:
    ...     update = next(updates)
    >>> update.offset, update.shape, update.data()
    ((0,), (3,), array([1, 2, 3]))
    >>> with x.updates(start=0, reduce="max:2") as updates:
    ...     next(updates).data()
    array([2, 3])
    """

    reduce: str | None = None
    encoding: str | None = None

    def data(self) -> np.ndarray[Any, Any]:
        """Return the numbers in the array's dtype, read-only: they share the message's memory.

        Returns
        -------
        numpy.ndarray
            Of `shape`, which lies at `offset` of the array.

        Raises
        ------
        InvalidResponse
            If the message cannot be decoded.
        """
        if self.mimetype != OCTETS:
            raise InvalidResponse(
                f"Update {self.sequence} has numbers as {self.mimetype}, which cannot be decoded."
            )
        if self.encoding is not None:
            return self._decompressed(parse_encoding(self.encoding))
        try:
            return np.frombuffer(self.payload, self.dtype).reshape(self.shape)
        except ValueError as error:
            raise InvalidResponse(
                f"Update {self.sequence} has {len(self.payload)} bytes, which does not match "
                f"{self.shape} of {self.dtype}."
            ) from error

    def _decompressed(self, encoding: PayloadEncoding) -> np.ndarray[Any, Any]:
        size, itemsize = math.prod(self.shape) * self.dtype.itemsize, self.dtype.itemsize
        try:
            found = decode_payload(encoding, self.payload, nbytes=size, itemsize=itemsize)
        except WireError as error:
            raise InvalidResponse(
                f"Update {self.sequence} cannot be decompressed: {error}"
            ) from error
        found.flags.writeable = False
        return found.view(self.dtype).reshape(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayReference(DataUpdate):
    """Numbers of an external array can be read. `shape` and `offset` are those of the new part.

    With `reduce`, one stands also for an update from which its cells cannot be computed. It has no
    `data_source` then.
    """

    shape: tuple[int, ...]
    offset: tuple[int, ...]
    whole_shape: tuple[int, ...]
    uri: str
    dtype: np.dtype[Any]
    data_source: DataSource | None = field(repr=False)
    slice: str | None = None
    reduce: str | None = None

    def data(self) -> np.ndarray[Any, Any]:
        """Fetch the new part from the server.

        Returns
        -------
        numpy.ndarray
            Of `shape`; of asyncio's client, an awaitable.

        Raises
        ------
        TiledClientError
            As any request raises it.
        """
        fetched: np.ndarray[Any, Any] = self.origin.fetch_reference(self)
        return fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionUpdate(DataUpdate):
    """Statistics of the regions `roi` in each frame that was written.

    `offset` and `shape` are those of the frames along the axes before those of a region, and
    `values` has a list for each frame, in C order, of a dictionary for each region: `mean`, `sum`,
    `min`, `max` (None if there is no finite element), and `count`, the number of finite elements.
    If the update is `partial`, it has only a part of what the array has of the regions.

    Examples
    --------
    >>> with x.updates(start=0, roi=np.s_[1:3]) as updates:
    ...     update = next(updates)
    >>> update.values
    [[{'mean': 2.5, 'sum': 5, 'min': 2, 'max': 3, 'count': 2}]]
    >>> update.data()["max"]
    array([3.])
    """

    roi: str
    offset: tuple[int, ...]
    shape: tuple[int, ...]
    values: list[list[dict[str, float | int | None]]]
    partial: bool = False
    persisted: bool = True

    def data(self) -> np.ndarray[Any, Any]:
        """Return the values as a structured array: frames by regions, NaN in place of None.

        Returns
        -------
        numpy.ndarray
            A field for each statistic.
        """
        rows = [
            [
                tuple(np.nan if region[n] is None else region[n] for n in STATISTICS.names or ())
                for region in frame
            ]
            for frame in self.values
        ]
        return np.array(rows, STATISTICS).reshape(*self.shape, -1)


@builds("array-roi")
def _regions(message: Map, _: Schema, common: Common) -> Update:
    return RegionUpdate(
        **common,
        roi=message["roi"],
        offset=sizes(message, "offset"),
        shape=sizes(message, "shape"),
        values=message["values"],
        partial=bool(message.get("partial")),
        persisted=bool(message.get("persisted", True)),
    )


@builds("array-data")
def _array(message: Map, schema: Schema, common: Common) -> Update:
    shape, block = sizes(message, "shape"), optional_sizes(message, "block")
    fields = {
        **payload_fields(message, common),
        "shape": shape,
        "offset": _offset(message, shape, block, common),
        "block": block,
        "dtype": dtype_of(schema, message),
        "slice": message.get("slice"),
    }
    if message["mimetype"] == ARROW:
        return SparseUpdate(**fields)
    encoding = message.get("encoding")
    return ArrayUpdate(**fields, reduce=message.get("reduce"), encoding=encoding)


def _offset(
    message: Map, shape: tuple[int, ...], block: tuple[int, ...] | None, common: Common
) -> tuple[int, ...] | None:
    offset = optional_sizes(message, "offset")
    if offset is not None:
        # A patch may leave out the last dimensions.
        return offset + (0,) * (len(shape) - len(offset))
    if block is None:
        return (0,) * len(shape)
    structure = getattr(common["origin"].cached_node, "structure", None)
    return block_offset(structure.chunks, block, shape) if structure else None


@builds("array-ref")
def _reference(message: Map, schema: Schema, common: Common) -> Update:
    whole, patch = sizes(message, "shape"), message.get("patch")
    source = message["data_source"]
    (data_source,) = (None,) if source is None else read_data_sources([source]) or ()
    return ArrayReference(
        **common,
        shape=sizes(patch, "shape") if patch else whole,
        offset=sizes(patch, "offset") if patch else (0,) * len(whole),
        whole_shape=whole,
        uri=message["uri"],
        dtype=dtype_of(schema, message),
        data_source=data_source,
        slice=message.get("slice"),
        reduce=message.get("reduce"),
    )
