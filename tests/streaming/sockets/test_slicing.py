"""Sliced updates, applied in order, build exactly the sliced array."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any
from urllib.parse import unquote

import msgpack
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.protocol.cursor import Position
from streaming.protocol.subscription_options import InvalidOptions, SubscriptionOptions
from streaming.reading.entries import StreamEntry
from streaming.sockets.messages.renderer import Renderer
from streaming.sockets.messages.slicing import (
    ArraySlicer,
    ColumnSelector,
    NodeLocation,
    UpdateFilter,
)
from streaming.sockets.messages.update_filters import build_filter
from tiled_client.wire.slices import Item, NDSlice, format_slice, parse_slice
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

LOCATION = NodeLocation("http://h", ["a"])
RECORD = np.dtype([("x", ">f4"), ("y", "<i2", (2,))])
DTYPES = [np.dtype("<i8"), np.dtype(">u2"), np.dtype("S3"), np.dtype("<U2"), RECORD]
TABLE = pa.table({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5]})

items = st.one_of(
    st.integers(0, 6),
    st.builds(
        slice,
        st.none() | st.integers(0, 6),
        st.none() | st.integers(0, 8),
        st.none() | st.integers(1, 4),
    ),
)


@st.composite
def slices(draw: st.DrawFn, ndim: int) -> NDSlice:
    return tuple(draw(st.lists(items, max_size=ndim)))


@st.composite
def patches(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Draw offset and shape of a patch, which may grow the first dimension."""
    offset, sizes = [], []
    for dimension, size in enumerate(shape):
        begin = draw(st.integers(0, size - (dimension > 0)))
        offset.append(begin)
        sizes.append(draw(st.integers(1, 3 if dimension == 0 else size - begin)))
    return offset, sizes


def values(dtype: np.dtype[Any], shape: Any, seed: int) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape)) * dtype.itemsize
    octets = np.random.default_rng(seed).integers(65, 90, count, np.uint8)
    if dtype.kind == "U":
        return np.array([chr(n) for n in octets[:: dtype.itemsize]], dtype).reshape(shape)
    return np.frombuffer(octets.tobytes(), dtype).reshape(shape)


class Pair:
    """The whole array, and the array that a subscriber to a slice builds from its updates."""

    def __init__(self, whole: np.ndarray[Any, Any], requested: NDSlice) -> None:
        self.whole = whole
        self.items = requested
        self.update_filter = build_filter(
            SubscriptionOptions(items=requested),
            ArrayStructure.from_array(np.zeros(whole.shape, whole.dtype)),
        )
        self.seen = self.wanted()

    def wanted(self) -> np.ndarray[Any, Any]:
        """Return what numpy selects; nothing if an integer lies outside."""
        for item, size in zip(self.items, self.whole.shape, strict=False):
            if isinstance(item, int) and item >= size:
                return np.empty(0, self.whole.dtype)
        return self.whole[(*self.items, ...)].copy()

    def write(self, part: np.ndarray[Any, Any], offset: list[int] | None) -> None:
        begin = offset or [0] * part.ndim
        end = [first + size for first, size in zip(begin, part.shape, strict=True)]
        grown = np.zeros([*map(max, end, self.whole.shape)], self.whole.dtype)
        grown[tuple(map(slice, self.whole.shape))] = self.whole
        grown[tuple(map(slice, begin, end))] = part
        self.whole = grown
        message = {"type": "array-data", "shape": list(part.shape), "offset": offset}
        assert self.update_filter is not None
        update = self.update_filter({**message, "block": None, "payload": part.tobytes()}, LOCATION)
        self.apply(update)

    def apply(self, update: Any) -> None:
        """Apply an update; growth fills with zeros, for which no update is sent."""
        grown = np.zeros_like(self.wanted())
        if self.seen.ndim == grown.ndim:
            grown[tuple(map(slice, self.seen.shape))] = self.seen
        self.seen = grown
        if update is not None:
            assert update["slice"] == format_slice(self.items)
            part = np.frombuffer(update["payload"], self.whole.dtype).reshape(update["shape"])
            offset = update["offset"] or [0] * part.ndim
            end = [first + size for first, size in zip(offset, part.shape, strict=True)]
            grown[tuple(map(slice, offset, end))] = part


@given(data=st.data(), ndim=st.integers(0, 3), dtype=st.sampled_from(DTYPES))
def test_sliced_updates_build_the_sliced_array(
    data: st.DataObject, ndim: int, dtype: np.dtype[Any]
) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=ndim, max_size=ndim)))
    pair = Pair(values(dtype, shape, 0), data.draw(slices(ndim)))
    for seed in range(1, 5):
        if data.draw(st.booleans()):
            pair.write(values(dtype, pair.whole.shape, seed), None)
        else:
            offset, sizes = data.draw(patches(pair.whole.shape))
            pair.write(values(dtype, sizes, seed), offset)
        wanted = pair.wanted()
        assert wanted.size == 0 or np.array_equal(pair.seen, wanted)


@given(data=st.data())
def test_a_sliced_chunk_has_the_right_offset_also_in_an_array_that_has_grown(
    data: st.DataObject,
) -> None:
    known, grown = data.draw(st.tuples(st.integers(1, 3), st.integers(0, 3)))
    structure = ArrayStructure.from_json(
        {
            **ArrayStructure.from_array(np.zeros((4 * known, 3))).to_json(),
            "chunks": [[4] * known, [2, 1]],
        }
    )
    whole = values(np.dtype("f8"), (4 * (known + grown), 3), 1)
    chosen = data.draw(slices(2))
    update_filter = ArraySlicer.for_structure(structure, chosen)
    nearest = tuple(i if isinstance(i, slice) else min(i, 2) for i in chosen)
    seen = np.zeros_like(whole)[(*nearest, ...)]
    for row, column in product(range(known + grown), range(2)):
        part = whole[4 * row : 4 * row + 4, 2 * column : 2 * column + 2]
        message = {"type": "array-data", "shape": list(part.shape), "offset": None}
        left = update_filter(
            {**message, "block": [row, column], "payload": part.tobytes()}, LOCATION
        )
        if left is not None:
            assert left["block"] is None
            begin, sizes = left["offset"], left["shape"]
            place = tuple(slice(b, b + s) for b, s in zip(begin, sizes, strict=True))
            seen[place] = np.frombuffer(left["payload"]).reshape(sizes)
    inside = all(isinstance(i, slice) or i < n for i, n in zip(chosen, whole.shape, strict=False))
    if inside:
        assert np.array_equal(seen, whole[chosen])


@given(data=st.data(), patched=st.booleans())
def test_a_sliced_reference_selects_the_sliced_data(data: st.DataObject, patched: bool) -> None:
    whole = values(np.dtype("i4"), (6, 4), 1)
    chosen = data.draw(slices(2))
    update_filter = ArraySlicer.for_structure(ArrayStructure.from_array(whole), chosen)
    patch = {"offset": [2, 1], "shape": [3, 2]} if patched else None
    left = update_filter({"type": "array-ref", "patch": patch, "shape": [6, 4]}, LOCATION)
    if left is None:
        region = tuple(slice(2, 5) if n == 0 else slice(1, 3) for n in range(2))
        mask = np.zeros((6, 4), bool)
        mask[region if patched else ...] = True
        assert not mask[chosen].any() if _inside(chosen, (6, 4)) else True
        return
    text = unquote(left["uri"].partition("?slice=")[2])
    read = whole[parse_slice(text)]
    wanted = whole[chosen]
    assert list(wanted.shape) == left["shape"]
    if left["patch"]:
        place = zip(left["patch"]["offset"], left["patch"]["shape"], strict=True)
        wanted = wanted[tuple(slice(begin, begin + size) for begin, size in place)]
    assert np.array_equal(read, wanted)


def _inside(chosen: tuple[Item, ...], shape: tuple[int, ...]) -> bool:
    return all(isinstance(i, slice) or i < n for i, n in zip(chosen, shape, strict=False))


@given(data=st.data(), seed=st.integers(0, 99))
def test_a_sliced_sparse_array_has_the_elements_of_the_slice(
    data: st.DataObject, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 3, (6, 4)) * (rng.random((6, 4)) < 0.4)
    chosen = data.draw(slices(2))
    structure = SparseStructure.from_coo(np.array(dense.nonzero()), dense[dense.nonzero()], (6, 4))
    update_filter = build_filter(SubscriptionOptions(items=chosen), structure)
    assert update_filter is not None
    table = Coo(np.array(dense.nonzero()), dense[dense.nonzero()], (6, 4)).to_arrow()
    message = {"type": "array-data", "shape": [6, 4], "offset": None, "block": None}
    left = update_filter({**message, "payload": _file(table)}, LOCATION)
    if left is None:
        assert not _inside(chosen, (6, 4)) or dense[chosen].size == 0
        return
    with pa.ipc.open_file(left["payload"]) as file:
        coo = Coo.from_arrow(file.read_all(), left["shape"])
    seen = np.zeros(left["shape"], dense.dtype)
    for *place, value in zip(*coo.coords, coo.data, strict=True):
        seen[tuple(place)] += value
    assert np.array_equal(seen, dense[chosen])


def _file(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_columns_are_selected_from_data_and_references() -> None:
    update_filter = build_filter(
        SubscriptionOptions(columns=("c", "a")), TableStructure.from_schema(TABLE.schema)
    )
    assert isinstance(update_filter, ColumnSelector)
    left = update_filter({"type": "table-data", "payload": _file(TABLE)}, LOCATION)
    assert left is not None
    with pa.ipc.open_file(left["payload"]) as file:
        assert file.read_all() == TABLE.select(["c", "a"])
    assert left["columns"] == ["c", "a"]
    rows = {"type": "table-ref", "partition": 1, "rows": {"offset": 2, "count": 3}}
    left = update_filter(rows, LOCATION)
    assert left is not None
    assert left["uri"].endswith("/table/partition/a?partition=1&rows=2:5&column=c&column=a")


@pytest.mark.parametrize(
    ("options", "structure"),
    [
        (SubscriptionOptions(items=(1, 2)), ArrayStructure.from_array(np.zeros(3))),
        (SubscriptionOptions(items=(1,)), TableStructure.from_schema(TABLE.schema)),
        (SubscriptionOptions(items=(1,)), None),
        (SubscriptionOptions(columns=("d",)), TableStructure.from_schema(TABLE.schema)),
        (SubscriptionOptions(columns=("a",)), ArrayStructure.from_array(np.zeros(3))),
        (SubscriptionOptions(items=(1,), columns=("a",)), TableStructure.from_schema(TABLE.schema)),
    ],
)
def test_options_that_do_not_fit_the_structure_are_rejected(
    options: SubscriptionOptions, structure: Any
) -> None:
    with pytest.raises(InvalidOptions):
        build_filter(options, structure)


async def test_an_update_is_sliced_once_for_all_subscribers_of_the_same_slice() -> None:
    whole = values(np.dtype("f8"), (400, 400), 1)
    message = {"type": "array-data", "shape": [400, 400], "offset": None, "block": None}
    frame = msgpack.packb(
        {**message, "mimetype": "application/octet-stream", "payload": whole.tobytes()}
    )
    entry, made = StreamEntry(Position(1), frame), []

    class Counting:
        name = "::4"
        links = False
        schema_keys: dict[str, Any] = {}

        def __init__(self, update_filter: UpdateFilter) -> None:
            self.update_filter = update_filter

        def __call__(self, message: Any, location: NodeLocation) -> Any:
            made.append(location)
            return self.update_filter(message, location)

    structure = ArrayStructure.from_array(whole)
    renderers = [
        Renderer(
            LOCATION,
            structure,
            text,
            Counting(ArraySlicer.for_structure(structure, parse_slice("::4"))),
        )
        for text in (False, True)
        for _ in range(20)
    ]
    messages = await asyncio.gather(*[renderer.render([entry]) for renderer in renderers])
    assert len(made) == 2
    assert len({id(message) for [message] in messages}) == 2
