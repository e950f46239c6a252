"""Reductions and regions of interest, from a server in a process of its own."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pytest

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayReference,
    ArrayUpdate,
    Container,
    HttpOptions,
    NotSupported,
    RegionUpdate,
    from_uri,
)
from tiled_client.regions import split_cells
from tiled_client.wire.reductions import Reduction

# Not a multiple of the factors, as the frames of many detectors.
FRAMES = np.random.default_rng(1).integers(0, 60000, (6, 487, 619), dtype="<u2")


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own."""
    made: Container = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    return made


@pytest.fixture
def stack(client: Container) -> Any:
    """Frames that were appended one by one, and the end of their stream."""
    stack = client.write_array(FRAMES[:1], key="x")
    for n, frame in enumerate(FRAMES[1:], 1):
        stack.patch(frame[None], offset=n, extend=True)
    stack.close_stream()
    return stack


def test_reduced_frames_are_those_of_the_reduced_stack(client: Container, stack: Any) -> None:
    for text in ("mean:4,4", "max:4,4"):
        wanted = Reduction.parse(text).apply(FRAMES)
        received = list(stack.updates(start=0, reduce=text))
        assert [type(one) for one in received] == [ArrayUpdate] * 6
        assert [one.offset for one in received] == [(n, 0, 0) for n in range(6)]
        assert np.array_equal(np.concatenate([one.data() for one in received]), wanted)
        read = stack.read(reduce=text)
        assert read.dtype == received[0].dtype == wanted.dtype
        assert np.array_equal(read, wanted)
    sliced = stack.read("1:3,::2,:100", reduce="sum:2,3,3")
    assert np.array_equal(sliced, Reduction.parse("sum:2,3,3").apply(FRAMES[1:3, ::2, :100]))


def test_many_nodes_on_one_connection_are_reduced_as_well(client: Container, stack: Any) -> None:
    with client.connect_stream() as stream:
        reduced = stream.subscribe(stack, reduce="max:4,4", slice="::,:100")
        numbers = stream.subscribe(stack, roi=[np.s_[0:10, 0:10], np.s_[400:, 600:]])
        images: list[Any] = []
        rows: list[Any] = []
        reduced.new_data.add_callback(images.append)
        numbers.new_data.add_callback(rows.append)
        for sub in (reduced, numbers):
            sub.start_in_thread(0)
            assert sub.wait(20)
    wanted = Reduction.parse("max:4,4").apply(FRAMES[:, :100])
    assert np.array_equal(np.concatenate([one.data() for one in images]), wanted)
    for n, row in enumerate(rows):
        assert isinstance(row, RegionUpdate)
        assert (row.offset, row.shape, row.roi) == ((n,), (1,), "0:10,0:10;400:,600:")
        assert row.data()["sum"].tolist() == [
            [FRAMES[n, :10, :10].sum(), FRAMES[n, 400:, 600:].sum()]
        ]
        assert row.values[0][1]["count"] == 87 * 19
        assert not row.partial


async def test_rows_that_fill_cells_in_part_are_read_by_their_reference(
    client: Container,
) -> None:
    x = client.write_array(np.zeros(6), key="x")
    x.write(np.arange(6.0))
    x.patch(np.arange(6.0, 9.0), offset=6, extend=True)
    x.close_stream()
    received = [one async for one in x.updates_async(start=2, reduce="sum:4")]
    assert [type(one) for one in received] == [ArrayUpdate, ArrayReference]
    assert received[0].data().tolist() == [6, 9]
    assert (received[1].offset, received[1].shape) == ((1,), (2,))
    assert received[1].data().tolist() == [22, 8]


def test_requests_that_cannot_be_met_are_refused(client: Container, stack: Any) -> None:
    with pytest.raises(ValueError, match="reduce must be one of"):
        stack.subscribe(reduce="median:2")
    with pytest.raises(ValueError, match="roi must be regions"):
        stack.subscribe(roi="::2")
    with pytest.raises(ValueError, match="cannot be combined"):
        stack.subscribe(roi="1:2", reduce="mean:2")
    with pytest.raises(ValueError, match="reduce has 4 factors"):
        stack.read(reduce="mean:2,2,2,2")
    with pytest.raises(TypeError, match="does not support the option reduce"):
        client.write_table({"n": [1]}, key="t").subscribe(reduce="mean:2")
    texts = client.write_array(np.array(["a"]), key="s")
    with pytest.raises(Exception, match="mean cannot be computed of data of dtype <U1"):
        next(texts.updates(start=0, reduce="mean:2"))


@pytest.mark.parametrize("reduced", ["sum:2,2", "mean:3,100"])
def test_a_large_reduction_is_fetched_in_parts(
    server: RunningServer, stack: Any, reduced: str
) -> None:
    options = HttpOptions(bytes_per_request=50_000)
    again = from_uri(stack.uri, API_KEY, options=options)
    index = np.s_[::-2, 3::2]
    assert np.array_equal(
        again.read(index, reduce=reduced), Reduction.parse(reduced).apply(FRAMES[index])
    )


def test_parts_of_a_reduction_cover_it() -> None:
    items, reduction = np.s_[::-1, 2:], Reduction.parse("sum:3")
    array = np.arange(70).reshape(7, 10)
    whole = reduction.apply(array[items])
    parts = list(split_cells(items, array.shape, reduction, 8, 16))
    assert len(parts) > 1
    for region, source in parts:
        assert np.array_equal(reduction.apply(array[source]), whole[region])


def test_a_server_that_does_not_know_an_option_is_not_believed_to_apply_it() -> None:
    from tests.client.test_updates import INT
    from tiled_client.stream.engine.node_feed import NodeFeed
    from tiled_client.stream.protocol.event_origin import EventOrigin
    from tiled_client.stream.protocol.position import Position
    from tiled_client.stream.protocol.subscription_options import SubscriptionOptions

    origin = EventOrigin(None, ("x",))
    feed = NodeFeed(origin, Position(), SubscriptionOptions.parse(reduce="mean:2"))
    with pytest.raises(NotSupported, match="does not support the option reduce"):
        feed.receive({**INT, "epoch": None})
