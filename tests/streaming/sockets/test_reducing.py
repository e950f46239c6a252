"""Reduced updates, applied in order, build exactly the reduction of the array."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.protocol.cursor import Position
from streaming.protocol.subscription_options import InvalidOptions, SubscriptionOptions
from streaming.reading.entries import StreamEntry
from streaming.sockets.messages.renderer import Renderer
from streaming.sockets.messages.slicing import NodeLocation
from streaming.sockets.messages.update_filters import build_filter
from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.reductions import Reduction
from tiled_client.wire.slices import NDSlice, parse_slice
from tiled_client.wire.structures import ArrayStructure, TableStructure

from .test_slicing import TABLE, slices

LOCATION = NodeLocation("http://h", ["a"])
COMMON = {"sequence": 1, "epoch": "e", "timestamp": "t", "mimetype": "application/octet-stream"}


def options(**params: str) -> SubscriptionOptions:
    return SubscriptionOptions.parse(params, frozenset())


def data_message(part: np.ndarray[Any, Any], offset: Any = None, **more: Any) -> dict[str, Any]:
    place = {"shape": list(part.shape), "offset": offset, "block": None}
    return {"type": "array-data", **COMMON, **place, "payload": part.tobytes(), **more}


class Pair:
    """The whole array, and what a subscriber to its reduction builds from the updates."""

    def __init__(self, shape: tuple[int, ...], items: NDSlice, reduction: Reduction) -> None:
        self.whole = np.zeros(shape, "u2")
        self.items = items
        self.reduction = reduction
        structure = ArrayStructure.from_array(self.whole)
        self.update_filter = build_filter(
            SubscriptionOptions(items=items, reduction=reduction), structure, uuid4()
        )
        self.seen = self.wanted()

    def wanted(self) -> np.ndarray[Any, Any]:
        return self.reduction.apply(self.whole[(*self.items, ...)])

    def write(self, part: np.ndarray[Any, Any], offset: list[int]) -> None:
        end = [first + size for first, size in zip(offset, part.shape, strict=True)]
        grown = np.zeros([*map(max, end, self.whole.shape)], self.whole.dtype)
        grown[tuple(map(slice, self.whole.shape))] = self.whole
        if grown.shape != self.whole.shape:
            # What growth fills with zeros is no update: the cells at the former end are unchanged
            # for subscribers until they are written.
            self.whole = grown
            self.seen = self.wanted()
        self.whole = grown
        self.whole[tuple(map(slice, offset, end))] = part
        assert self.update_filter is not None
        self.apply(self.update_filter(data_message(part, offset), LOCATION))

    def apply(self, update: dict[str, Any] | None) -> None:
        if update is None:
            return
        assert update["reduce"] == self.reduction.text
        dtype = dtype_from_json(update["data_type"]).to_numpy()
        if update["type"] == "array-ref":
            query = dict(parse_qsl(urlsplit(update["uri"]).query))
            part = Reduction.parse(query["reduce"]).apply(self.whole[parse_slice(query["slice"])])
            offset, shape = update["patch"]["offset"], update["patch"]["shape"]
        else:
            offset, shape = update["offset"] or [0] * self.seen.ndim, update["shape"]
            part = np.frombuffer(update["payload"], dtype).reshape(shape)
        assert list(part.shape) == shape
        place = tuple(slice(b, b + s) for b, s in zip(offset, shape, strict=True))
        assert self.seen[place].shape == part.shape
        self.seen[place] = part


@given(data=st.data(), ndim=st.integers(1, 3))
def test_reduced_updates_build_the_reduced_array(data: st.DataObject, ndim: int) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=ndim, max_size=ndim)))
    items = data.draw(slices(ndim))
    items = tuple(
        item if isinstance(item, slice) else min(item, size - 1)
        for item, size in zip(items, shape, strict=False)
    )
    left = ndim - sum(isinstance(item, int) for item in items)
    if not left:
        return
    factors = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=left))
    pair = Pair(shape, items, Reduction("sum", tuple(factors)))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    for _ in range(5):
        offset = [data.draw(st.integers(0, size)) for size in pair.whole.shape]
        sizes = [data.draw(st.integers(1, 5)) for _ in offset]
        pair.write(rng.integers(0, 9, sizes).astype("u2"), offset)
        assert np.array_equal(pair.seen, pair.wanted())


def test_appended_frames_are_sent_also_where_cells_at_their_edge_are_not_full() -> None:
    structure = ArrayStructure.from_array(np.zeros((0, 5, 6), "u2"))
    frame = np.arange(30, dtype="u2").reshape(1, 5, 6)
    reducer = build_filter(options(reduce="max:4,4"), structure)
    assert reducer is not None
    sent = reducer(data_message(frame, [7, 0, 0]), LOCATION)
    assert sent is not None
    assert (sent["type"], sent["shape"], sent["offset"]) == ("array-data", [1, 2, 2], [7, 0, 0])
    assert np.frombuffer(sent["payload"], "u2").tolist() == [21, 23, 27, 29]


def test_rows_that_are_appended_to_an_open_cell_are_referred_to() -> None:
    structure = ArrayStructure.from_array(np.zeros((6,), "u2"))
    reducer = build_filter(options(reduce="mean:4"), structure)
    assert reducer is not None
    sent = reducer(data_message(np.ones(3, "u2"), [6]), LOCATION)
    assert sent is not None
    assert "payload" not in sent
    assert sent["patch"] == {"offset": [1], "shape": [2]}
    assert sent["shape"] == [3]
    assert sent["uri"] == "http://h/api/v1/array/full/a?slice=4:12:1&reduce=mean:4"


@pytest.mark.parametrize(("first", "kind"), [(4, "array-data"), (2, "array-ref")])
def test_a_last_chunk_that_is_shorter_than_others_ends_the_array(first: int, kind: str) -> None:
    structure = replace(ArrayStructure.from_array(np.zeros(6)), chunks=((first, 6 - first),))
    reducer = build_filter(options(reduce="mean:4"), structure)
    assert reducer is not None
    part = np.ones(6 - first)
    sent = reducer({**data_message(part), "block": [1]}, LOCATION)
    assert sent is not None
    assert sent["type"] == kind


def test_of_data_that_are_not_stored_only_whole_cells_are_sent() -> None:
    structure = ArrayStructure.from_array(np.zeros((16,), "u2"))
    reducer = build_filter(options(reduce="sum:4"), structure)
    assert reducer is not None
    sent = reducer(data_message(np.ones(9, "u2"), [3], persisted=False), LOCATION)
    assert sent is not None
    assert (sent["offset"], sent["shape"], sent["persisted"]) == ([1], [2], False)
    assert np.frombuffer(sent["payload"], "u8").tolist() == [4, 4]
    assert reducer(data_message(np.ones(2, "u2"), [3], persisted=False), LOCATION) is None


def test_growth_seen_by_one_subscriber_is_known_to_the_others_of_the_node() -> None:
    node = uuid4()
    structure = ArrayStructure.from_array(np.zeros((2, 6), "u2"))
    one, other = (
        build_filter(options(reduce=text), structure, node) for text in ("sum:4", "max:4")
    )
    assert one is not None
    assert other is not None
    edge = data_message(np.ones((2, 2), "u2"), [0, 4])
    assert other(edge, LOCATION)["type"] == "array-data"
    one(data_message(np.ones((2, 2), "u2"), [0, 6]), LOCATION)
    assert other(edge, LOCATION)["type"] == "array-ref"


def test_references_to_external_data_are_reduced_by_their_link() -> None:
    structure = ArrayStructure.from_array(np.zeros((3, 8, 9), "u2"))
    reducer = build_filter(options(reduce="mean:4,4", slice=":,0:8"), structure)
    assert reducer is not None
    patch = {"offset": [3, 0, 0], "shape": [1, 8, 9]}
    message = {"type": "array-ref", **COMMON, "data_source": {}, "shape": [4, 8, 9]}
    sent = reducer({**message, "patch": patch}, LOCATION)
    assert sent is not None
    assert sent["patch"] == {"offset": [3, 0, 0], "shape": [1, 2, 3]}
    assert sent["shape"] == [4, 2, 3]
    assert sent["uri"].endswith("?slice=3:4:1,0:8:1,0:12:1&reduce=mean:4,4")


@given(data=st.data())
def test_statistics_are_those_of_the_part_of_a_region_that_was_written(
    data: st.DataObject,
) -> None:
    structure = ArrayStructure.from_array(np.zeros((0, 6, 6), "i4"))
    found = build_filter(options(roi="1:4,2:6;0:1,0:1"), structure)
    assert found is not None
    count, y, x = (data.draw(st.integers(1, n)) for n in (3, 6, 6))
    begin = [data.draw(st.integers(0, n)) for n in (5, 6 - y, 6 - x)]
    part = np.random.default_rng(1).integers(-9, 9, (count, y, x)).astype("i4")
    frames = np.full((count, 6, 6), 99, "i4")
    frames[:, begin[1] : begin[1] + y, begin[2] : begin[2] + x] = part
    sent = found(data_message(part, begin), LOCATION)
    regions = [frames[:, 1:4, 2:6], frames[:, 0:1, 0:1]]
    written = [region != 99 for region in regions]
    if not any(mask.any() for mask in written):
        assert sent is None
        return
    assert sent is not None
    assert (sent["type"], sent["offset"], sent["shape"]) == ("array-roi", begin[:1], [count])
    assert sent["partial"] == (not all(mask.all() for mask in written))
    for n, row in enumerate(sent["values"]):
        for entry, region, mask in zip(row, regions, written, strict=True):
            values = region[n][mask[n]]
            assert entry["count"] == values.size
            assert entry["sum"] == (values.sum() if values.size else None)
            assert entry["max"] == (values.max() if values.size else None)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"reduce": "mean"}, "reduce must be one of mean, sum, min and max"),
        ({"reduce": "mean:2,2,2"}, "reduce has 3 factors, but the array, after slice, has 2"),
        ({"reduce": "mean:2,2", "slice": "0"}, "reduce has 2 factors, but the array, after slice"),
        ({"reduce": "mean:2", "roi": "0:2"}, "reduce and roi cannot be combined"),
        ({"roi": "0:2,0:2,0:2"}, "roi has regions of 3 dimensions"),
        ({"roi": "3"}, "roi must be regions separated by semicolons"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(params: dict[str, str], sentence: str) -> None:
    structure = ArrayStructure.from_array(np.zeros((4, 4)))
    with pytest.raises(InvalidOptions, match=sentence):
        build_filter(options(**params), structure)


@pytest.mark.parametrize("params", [{"reduce": "mean:2"}, {"roi": "0:2"}])
def test_only_dense_arrays_of_numbers_are_summarized(params: dict[str, str]) -> None:
    with pytest.raises(InvalidOptions, match="applies to dense arrays only"):
        build_filter(options(**params), TableStructure.from_schema(TABLE.schema))
    with pytest.raises(InvalidOptions, match="dtype"):
        build_filter(options(**params), ArrayStructure.from_array(np.zeros(4, "M8[s]")))


@pytest.mark.parametrize("params", [{"reduce": "mean:4,4"}, {"roi": "0:200,0:200"}])
async def test_one_request_of_twenty_subscribers_is_computed_once(params: dict[str, str]) -> None:
    whole = np.ones((400, 400))
    structure, node = ArrayStructure.from_array(whole), uuid4()
    entry = StreamEntry(Position(1), msgpack.packb(data_message(whole)))
    renderers = [
        Renderer(LOCATION, structure, False, build_filter(options(**params), structure, node))
        for _ in range(20)
    ]
    messages = await asyncio.gather(*[renderer.render([entry]) for renderer in renderers])
    # All were sent the one message that the entry keeps.
    assert len(entry.encodings) == 1
    assert {id(message) for [message] in messages} == set(map(id, entry.encodings.values()))
