"""Updates of arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...documents import read_data_sources
from ...errors import InvalidResponse
from ...http.responses import OCTETS
from ...regions import block_offset
from ...tables import ARROW
from ...wire.data_sources import DataSource
from ..protocol.messages import Map, Schema, optional_sizes, sizes
from .base import Common, Update, builds, dtype_of
from .sparse import SparseUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayUpdate(Update):
    """Numbers were written to an array.

    `shape` and `offset` say where: a full write has the offset 0 along each dimension. A chunk also
    has its `block` number, and the offset None if its place cannot be told from the chunks that the
    node is known to have; with `recursive`, `update.node` makes them known. If the subscription
    asked for a `slice`, both are meant in the sliced array. What was not `persisted` is stored
    nowhere.

        >>> with x.updates(start=0) as updates:
        ...     update = next(updates)
        >>> update.offset, update.shape, update.data()
        ((0,), (3,), array([1, 2, 3]))
    """

    topic: ClassVar[str] = "new_data"

    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    mimetype: str
    dtype: np.dtype[Any]
    payload: bytes = field(repr=False)
    persisted: bool = True
    slice: str | None = None

    def data(self) -> np.ndarray[Any, Any]:
        """The numbers, in the array's dtype; read-only, as they share the message's memory."""
        if self.mimetype != OCTETS:
            raise InvalidResponse(f"Numbers sent as {self.mimetype} cannot be decoded.")
        try:
            return np.frombuffer(self.payload, self.dtype).reshape(self.shape)
        except ValueError as error:
            raise InvalidResponse(
                f"Update {self.sequence} has {len(self.payload)} bytes, which is not what "
                f"{self.shape} of {self.dtype} takes."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayReference(Update):
    """Numbers of an external array can be read. `shape` and `offset` say which part is new."""

    topic: ClassVar[str] = "new_data"

    shape: tuple[int, ...]
    offset: tuple[int, ...]
    whole_shape: tuple[int, ...]
    uri: str
    dtype: np.dtype[Any]
    data_source: DataSource = field(repr=False)

    def data(self) -> np.ndarray[Any, Any]:
        """Fetch the new part from the server."""
        fetched: np.ndarray[Any, Any] = self.node.fetch_reference(self)  # type: ignore[attr-defined]
        return fetched


@builds("array-data")
def _array(message: Map, schema: Schema, common: Common) -> Update:
    shape, block = sizes(message, "shape"), optional_sizes(message, "block")
    kind = SparseUpdate if message["mimetype"] == ARROW else ArrayUpdate
    return kind(
        **common,
        shape=shape,
        offset=_offset(message, shape, block, common),
        block=block,
        mimetype=message["mimetype"],
        dtype=dtype_of(schema),
        payload=message.get("payload") or b"",
        persisted=bool(message.get("persisted", True)),
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
