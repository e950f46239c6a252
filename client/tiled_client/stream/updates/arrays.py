"""Updates of arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...documents import read_data_sources
from ...errors import InvalidResponse
from ...http.responses import OCTETS
from ...regions import block_offset
from ...tables import ARROW
from ...wire.data_sources import DataSource
from ..protocol.messages import Map, Schema, optional_sizes, sizes
from .base import ArrayPayloadUpdate, Common, DataUpdate, Update, builds, dtype_of, payload_fields
from .sparse import SparseUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayUpdate(ArrayPayloadUpdate):
    """Numbers were written to an array.

    `shape` and `offset` say where: a full write has the offset 0 along each dimension. A chunk also
    has its `block` number, and the offset None if its place cannot be computed from the chunks that
    the node is known to have; with `recursive`, `update.node` fetches them. If the subscription has
    a `slice`, both refer to the sliced array. Numbers that are not `persisted` are stored nowhere.

    Examples
    --------
    >>> with x.updates(start=0) as updates:
    ...     update = next(updates)
    >>> update.offset, update.shape, update.data()
    ((0,), (3,), array([1, 2, 3]))
    """

    def data(self) -> np.ndarray[Any, Any]:
        """Return the numbers in the array's dtype, read-only: they share the message's memory."""
        if self.mimetype != OCTETS:
            raise InvalidResponse(
                f"Update {self.sequence} has numbers as {self.mimetype}, which cannot be decoded."
            )
        try:
            return np.frombuffer(self.payload, self.dtype).reshape(self.shape)
        except ValueError as error:
            raise InvalidResponse(
                f"Update {self.sequence} has {len(self.payload)} bytes, which does not match "
                f"{self.shape} of {self.dtype}."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayReference(DataUpdate):
    """Numbers of an external array can be read. `shape` and `offset` are those of the new part."""

    shape: tuple[int, ...]
    offset: tuple[int, ...]
    whole_shape: tuple[int, ...]
    uri: str
    dtype: np.dtype[Any]
    data_source: DataSource = field(repr=False)

    def data(self) -> np.ndarray[Any, Any]:
        """Fetch the new part from the server."""
        fetched: np.ndarray[Any, Any] = self.node.fetch_reference(self)
        return fetched


@builds("array-data")
def _array(message: Map, schema: Schema, common: Common) -> Update:
    shape, block = sizes(message, "shape"), optional_sizes(message, "block")
    kind = SparseUpdate if message["mimetype"] == ARROW else ArrayUpdate
    return kind(
        **payload_fields(message, common),
        shape=shape,
        offset=_offset(message, shape, block, common),
        block=block,
        dtype=dtype_of(schema),
        slice=message.get("slice"),
    )


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
    (data_source,) = read_data_sources([message["data_source"]]) or ()
    return ArrayReference(
        **common,
        shape=sizes(patch, "shape") if patch else whole,
        offset=sizes(patch, "offset") if patch else (0,) * len(whole),
        whole_shape=whole,
        uri=message["uri"],
        dtype=dtype_of(schema),
        data_source=data_source,
    )
