"""Cutting updates down to what a subscriber wants: a region of an array, columns of a table.

Messages are maps here, with their payload. An update of which nothing is wanted is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

import numpy as np

from tiled_client.wire.messages import ArrayRef, TableRef
from tiled_client.wire.slices import Item, NDSlice, format_slice, sliced_shape
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from ...protocol.subscription_options import InvalidOptions, SubscriptionOptions
from .data_links import array_uri, table_ref_uri

Message = dict[str, Any]


class Origin(NamedTuple):
    """Whose data a message refers to, and how its subscriber reaches the server."""

    base_url: str
    path: list[str]


class Cut(Protocol):
    """What is left of each update. Two of one stream with the same name leave the same."""

    @property
    def name(self) -> str:
        """How it is asked for."""

    def __call__(self, message: Message, origin: Origin) -> Message | None:
        """What is left of `message`. A reference is given its `uri`."""


class Along(NamedTuple):
    """What is cut out of a region along one dimension, and where it lies in the whole cut."""

    source: Item
    offset: int | None
    region: Item


@dataclass(frozen=True, slots=True)
class ArrayCut:
    """The elements of a dense or sparse array that a slice selects."""

    structure: ArrayStructure | SparseStructure
    items: NDSlice
    name: str

    @classmethod
    def of(cls, structure: ArrayStructure | SparseStructure, items: NDSlice) -> ArrayCut:
        """Cut arrays of `structure` by `items`. Raises InvalidOptions if there are too many."""
        if len(items) > len(structure.shape):
            raise InvalidOptions(
                f"slice has {len(items)} parts, but the array has {len(structure.shape)} "
                "dimensions."
            )
        return cls(structure, items, format_slice(items))

    def __call__(self, message: Message, origin: Origin) -> Message | None:
        """What is left of `message`: `shape` is that of what is sent, `offset` lies in the cut."""
        if message["type"] == ArrayRef.type:
            return self._reference(message, origin)
        begin = self._begin(message)
        parts = self._along(begin, message["shape"])
        if parts is None:
            return None
        source = tuple(part.source for part in parts)
        sparse = isinstance(self.structure, SparseStructure)
        cut = self._sparse(message, source) if sparse else self._dense(message, source)
        whole = message["offset"] is None and message["block"] is None
        return {
            **message,
            **cut,
            "offset": None if whole else [p.offset for p in parts if p.offset is not None],
            "block": None,
            "slice": self.name,
        }

    def _begin(self, message: Message) -> list[int]:
        """Where the update lies in the whole array."""
        if message["block"] is not None:
            return _block_begin(self.structure.chunks, message["block"])
        offset = message["offset"] or ()
        return [*offset, *[0] * (len(message["shape"]) - len(offset))]

    def _along(self, begin: Sequence[int], shape: Sequence[int]) -> list[Along] | None:
        """What is cut out along each dimension; None if that is nothing at all."""
        parts = [
            along(slice(None) if item is None else item, first, size)
            for first, size, item in zip_longest(begin, shape, self.items)
        ]
        found = [part for part in parts if part is not None]
        return found if len(found) == len(parts) else None

    def _dense(self, message: Message, source: NDSlice) -> Message:
        array = np.frombuffer(message["payload"], self.structure.dtype).reshape(message["shape"])
        cut = array[(*source, ...)]
        return {"shape": list(cut.shape), "payload": cut.tobytes()}

    def _sparse(self, message: Message, source: NDSlice) -> Message:
        import pyarrow

        assert isinstance(self.structure, SparseStructure)
        with pyarrow.ipc.open_file(pyarrow.py_buffer(message["payload"])) as reader:
            cut = Coo.from_arrow(reader.read_all(), message["shape"]).select(source)
        table = cut.to_arrow(self.structure.coord_data_type.to_numpy())
        return {"shape": list(cut.shape), "payload": _arrow_file(table)}

    def _reference(self, message: Message, origin: Origin) -> Message | None:
        patch = message["patch"]
        shape = patch["shape"] if patch else message["shape"]
        begin = patch["offset"] if patch else [0] * len(shape)
        parts = self._along(begin, shape)
        if parts is None:
            return None
        kept = [part for part in parts if part.offset is not None]
        sizes = [len(range(*_bounds(part.region))) for part in kept]
        return {
            **message,
            "patch": patch and {"offset": [part.offset for part in kept], "shape": sizes},
            "shape": list(sliced_shape(message["shape"], self.items)),
            "slice": self.name,
            "uri": array_uri(*origin, tuple(part.region for part in parts)),
        }


@dataclass(frozen=True, slots=True)
class TableCut:
    """Some columns of a table."""

    columns: tuple[str, ...]
    name: str

    @classmethod
    def of(cls, structure: TableStructure, columns: Sequence[str]) -> TableCut:
        """Cut tables of `structure` to `columns`. Raises InvalidOptions for unknown ones."""
        known = structure.schema().names
        for name in columns:
            if name not in known:
                raise InvalidOptions(f"columns names {name!r}, but the table has {known}.")
        return cls(tuple(columns), "\0".join(columns))

    def __call__(self, message: Message, origin: Origin) -> Message | None:
        """The same rows with these columns only."""
        said = {**message, "columns": list(self.columns)}
        if message["type"] == TableRef.type:
            return {**said, "uri": table_ref_uri(*origin, message, self.columns)}
        import pyarrow

        with pyarrow.ipc.open_file(pyarrow.py_buffer(message["payload"])) as reader:
            table = reader.read_all().select(list(self.columns))
        return {**said, "payload": _arrow_file(table)}


def cut_of(terms: SubscriptionOptions, structure: Structure | None) -> Cut | None:
    """What `terms` want of the updates of a node. Raises InvalidOptions where that cannot be."""
    if terms.items is not None and terms.columns is not None:
        raise InvalidOptions("slice and columns cannot go together.")
    if terms.items is not None:
        if not isinstance(structure, ArrayStructure | SparseStructure):
            raise InvalidOptions("slice is for arrays and sparse arrays only.")
        return ArrayCut.of(structure, terms.items)
    if terms.columns is not None:
        if not isinstance(structure, TableStructure):
            raise InvalidOptions("columns is for tables only.")
        return TableCut.of(structure, terms.columns)
    return None


def along(item: Item, begin: int, size: int) -> Along | None:
    """What `item` selects of `size` places from `begin` on; None if nothing."""
    end = begin + size
    if isinstance(item, int):
        return Along(item - begin, None, item) if begin <= item < end else None
    start, step = item.start or 0, item.step or 1
    stop = end if item.stop is None else min(item.stop, end)
    skipped = max(0, -((start - begin) // step))
    first = start + skipped * step
    if first >= stop:
        return None
    return Along(slice(first - begin, stop - begin, step), skipped, slice(first, stop, step))


def _block_begin(chunks: Sequence[Sequence[int]], block: Sequence[int]) -> list[int]:
    """Where a chunk begins. The array may have grown since: new chunks are as long as the first."""
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
