"""Slice updates to the part that a subscriber requested: a region of an array, some columns.

Messages are maps here, payload included. The result for an update outside the requested part is
None: it is not sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

import numpy as np

from tiled_client.wire.messages import ArrayRef, TableRef
from tiled_client.wire.slices import Item, NDSlice, format_slice, sliced_shape
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ...protocol.subscription_options import InvalidOptions
from .data_links import array_uri, table_ref_uri

Message = dict[str, Any]


class NodeLocation(NamedTuple):
    """The path of a node, and the URL under which the subscriber reaches the server."""

    base_url: str
    path: list[str]


class UpdateFilter(Protocol):
    """Reduce each update to the requested part.

    Filters of one stream with the same name give the same results, so that results are shared.
    """

    @property
    def name(self) -> str:
        """The canonical text of the request."""

    @property
    def links(self) -> bool:
        """Whether results for updates with a payload may hold URLs, which differ by subscriber."""

    @property
    def schema_keys(self) -> Message:
        """Keys that the filter adds to the schema message."""

    def __call__(self, message: Message, location: NodeLocation) -> Message | None:
        """Return the requested part of `message`; a reference gets its `uri`."""


class AxisSlice(NamedTuple):
    """The intersection of an update with the requested slice, along one dimension.

    `source` selects from the update, `offset` is its place in the sliced array (None if the
    dimension is dropped), and `region` selects the same elements from the whole array.
    """

    source: Item
    offset: int | None
    region: Item


@dataclass(frozen=True, slots=True)
class ArraySlicer:
    """Select the elements of a dense or sparse array that lie in a slice."""

    structure: ArrayStructure | SparseStructure
    items: NDSlice
    name: str
    links: bool = False
    schema_keys: Message = field(default_factory=dict)

    @classmethod
    def for_structure(
        cls, structure: ArrayStructure | SparseStructure, items: NDSlice
    ) -> ArraySlicer:
        """Slice arrays of `structure` by `items`. Raises InvalidOptions for too many items."""
        check_dimensions(structure, items)
        return cls(structure, items, format_slice(items))

    def __call__(self, message: Message, location: NodeLocation) -> Message | None:
        """Return the requested part of `message`.

        `shape` is the shape of that part, and `offset` its place in the sliced array.
        """
        if message["type"] == ArrayRef.type:
            return self._slice_reference(message, location)
        parts = intersect(update_begin(self.structure, message), message["shape"], self.items)
        if parts is None:
            return None
        source = tuple(part.source for part in parts)
        sparse = isinstance(self.structure, SparseStructure)
        sliced = (
            self._slice_sparse(message, source) if sparse else self._slice_dense(message, source)
        )
        whole = message["offset"] is None and message["block"] is None
        return {
            **message,
            **sliced,
            "offset": None if whole else [p.offset for p in parts if p.offset is not None],
            "block": None,
            "slice": self.name,
        }

    def _slice_dense(self, message: Message, source: NDSlice) -> Message:
        array = np.frombuffer(message["payload"], self.structure.dtype).reshape(message["shape"])
        part = array[(*source, ...)]
        return {"shape": list(part.shape), "payload": part.tobytes()}

    def _slice_sparse(self, message: Message, source: NDSlice) -> Message:
        import pyarrow

        assert isinstance(self.structure, SparseStructure)
        with pyarrow.ipc.open_file(pyarrow.py_buffer(message["payload"])) as reader:
            part = Coo.from_arrow(reader.read_all(), message["shape"]).select(source)
        table = part.to_arrow(self.structure.coord_data_type.to_numpy())
        return {"shape": list(part.shape), "payload": _arrow_file(table)}

    def _slice_reference(self, message: Message, location: NodeLocation) -> Message | None:
        patch, parts = message["patch"], intersect_reference(message, self.items)
        if parts is None:
            return None
        kept = [part for part in parts if part.offset is not None]
        sizes = [len(range(*_bounds(part.region))) for part in kept]
        return {
            **message,
            "patch": patch and {"offset": [part.offset for part in kept], "shape": sizes},
            "shape": list(sliced_shape(message["shape"], self.items)),
            **({"slice": self.name} if self.items else {}),
            "uri": array_uri(*location, tuple(part.region for part in parts)),
        }


@dataclass(frozen=True, slots=True)
class ColumnSelector:
    """Select some columns of a table."""

    columns: tuple[str, ...]
    name: str
    links: bool = False
    schema_keys: Message = field(default_factory=dict)

    @classmethod
    def for_structure(cls, structure: TableStructure, columns: Sequence[str]) -> ColumnSelector:
        """Select `columns` of tables of `structure`. Raises InvalidOptions for unknown columns."""
        known = structure.schema().names
        for name in columns:
            if name not in known:
                raise InvalidOptions(f"columns contains {name!r}, but the table has {known}.")
        return cls(tuple(columns), "\0".join(columns))

    def __call__(self, message: Message, location: NodeLocation) -> Message | None:
        """Return the rows of `message` with the requested columns only."""
        selected = {**message, "columns": list(self.columns)}
        if message["type"] == TableRef.type:
            return {**selected, "uri": table_ref_uri(*location, message, self.columns)}
        import pyarrow

        with pyarrow.ipc.open_file(pyarrow.py_buffer(message["payload"])) as reader:
            table = reader.read_all().select(list(self.columns))
        return {**selected, "payload": _arrow_file(table)}


def check_dimensions(structure: ArrayStructure | SparseStructure, items: NDSlice) -> None:
    """Raise InvalidOptions for a slice of more dimensions than the array has."""
    if len(items) > len(structure.shape):
        raise InvalidOptions(
            f"slice has {len(items)} parts, but the array has {len(structure.shape)} dimensions."
        )


def update_begin(structure: ArrayStructure | SparseStructure, message: Message) -> list[int]:
    """Return the index of an update's first element in the whole array."""
    if message["block"] is not None:
        return _block_begin(structure.chunks, message["block"])
    offset = message["offset"] or ()
    return [*offset, *[0] * (len(message["shape"]) - len(offset))]


def intersect(begin: Sequence[int], shape: Sequence[int], items: NDSlice) -> list[AxisSlice] | None:
    """Return the requested part of a region along each dimension; None if it is empty."""
    parts = [
        slice_axis(slice(None) if item is None else item, first, size)
        for first, size, item in zip_longest(begin, shape, items)
    ]
    found = [part for part in parts if part is not None]
    return found if len(found) == len(parts) else None


def intersect_reference(message: Message, items: NDSlice) -> list[AxisSlice] | None:
    """Return the requested part of what a reference is about; None if it is empty.

    A reference without a patch is about the whole array.
    """
    patch = message["patch"]
    shape = patch["shape"] if patch else message["shape"]
    begin = patch["offset"] if patch else [0] * len(shape)
    return intersect(begin, shape, items)


def slice_axis(item: Item, begin: int, size: int) -> AxisSlice | None:
    """Return the part that `item` selects of `size` elements from `begin` on; None if empty."""
    end = begin + size
    if isinstance(item, int):
        return AxisSlice(item - begin, None, item) if begin <= item < end else None
    # The requested bounds are never negative, and steps are positive (checked when they are read).
    start, step = item.start or 0, item.step or 1
    stop = end if item.stop is None else min(item.stop, end)
    # Elements of the slice that lie before this region: a ceiling division.
    skipped = max(0, -((start - begin) // step))
    first = start + skipped * step
    if first >= stop:
        return None
    return AxisSlice(slice(first - begin, stop - begin, step), skipped, slice(first, stop, step))


def _block_begin(chunks: Sequence[Sequence[int]], block: Sequence[int]) -> list[int]:
    """Return the index of the first element of a chunk.

    The array may have grown since the structure was read: new chunks are as long as the first.
    """
    return [
        sum(sizes[:index]) if index < len(sizes) else index * sizes[0]
        for sizes, index in zip(chunks, block, strict=True)
    ]


def _bounds(item: Item) -> tuple[int, int, int]:
    assert isinstance(item, slice)
    return item.start, item.stop, item.step


def _arrow_file(table: Any) -> bytes:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
