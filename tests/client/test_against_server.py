"""This client with our server, in processes of its own."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.client.cuttable_proxy import Line
from tests.client.fake_servers import sequences
from tests.client.test_against_tiled import Heard
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import Container, NodeDeleted, from_uri


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own."""
    made: Container = from_uri(server.uri, API_KEY).create_container(f"t{secrets.token_hex(6)}")
    return made


def written(client: Container, count: int) -> Any:
    """An array with so many updates, each full of its number."""
    x = client.write_array(np.full(6, 1), key="x")
    for n in range(2, count + 1):
        x.write(np.full(6, n))
    return x


def test_a_stream_can_begin_with_the_newest_and_at_a_moment(client: Container) -> None:
    x = written(client, 4)
    with x.updates("latest") as latest:
        assert next(latest).sequence == 4
    third = list_until(x.updates(0), 4)[2]
    with x.updates(start_time=third.timestamp) as since:
        assert next(since).sequence == 3


def test_an_array_that_was_empty_is_read_with_its_present_length(client: Container) -> None:
    x = client.write_array(np.zeros((0, 2)), key="x")
    other = client["x"]
    assert other.read().shape == (0, 2)
    x.patch(np.ones((3, 2)), offset=(0, 0), extend=True)
    assert other.read().shape == (3, 2)


def test_a_latest_only_subscriber_receives_gaps(client: Container) -> None:
    x = written(client, 40)
    x.close_stream()
    sub = x.subscribe(policy="latest")
    gaps: list[Any] = []
    sub.gap.add_callback(gaps.append)
    heard = list(sub.updates(0))
    assert heard[-1].sequence == 40
    assert {gap.reason for gap in gaps} == {"skipped"}
    assert sum(gap.count for gap in gaps) == sum(update.missed for update in heard)
    assert sum(update.missed for update in heard) + len(heard) == 40


def test_a_part_of_an_array_is_cut_out_by_the_server(client: Container) -> None:
    frames = np.arange(96).reshape(2, 6, 8)
    x = client.write_array(frames, key="x", chunks=(1, 6, 8))
    x.patch(np.full((1, 6, 8), 7), offset=(1, 0, 0))
    x.patch(np.full((1, 6, 8), 8), offset=(0, 0, 0))
    x.close_stream()
    whole = np.zeros(frames.shape, int)
    cut = np.zeros(frames[1:, ::4, ::4].shape, int)
    for update in x.updates(0):
        whole[place(update)] = update.data()
    heard = list(x.updates(0, slice=np.s_[1:, ::4, ::4]))
    for update in heard:
        cut[place(update)] = update.data()
    assert heard[0].slice == "1:,::4,::4"
    np.testing.assert_array_equal(cut, whole[1:, ::4, ::4])
    # What concerns the first frame alone is not sent, and nothing is said of it.
    assert heard[-1].sequence == 3
    assert {update.missed for update in heard} == {0}


def place(update: Any) -> tuple[slice, ...]:
    """Where the numbers of an update belong."""
    pairs = zip(update.offset, update.shape, strict=True)
    return tuple(slice(start, start + size) for start, size in pairs)


def test_some_columns_of_a_table_are_cut_out_by_the_server(client: Container) -> None:
    t = client.write_table({"a": [1, 2], "b": [3, 4], "c": [5, 6]}, key="t")
    t.append(pd.DataFrame({"a": [7], "b": [8], "c": [9]}))
    t.close_stream()
    heard = list(t.updates(0, columns=["c", "a"]))
    assert [update.columns for update in heard] == [("c", "a"), ("c", "a")]
    assert set(heard[1].data().columns) == {"a", "c"}
    assert heard[1].data()["c"].tolist() == [9]
    with pytest.raises(KeyError, match="nope"):
        t.updates(columns=["nope"])


def test_a_job_goes_on_where_another_left_off(client: Container) -> None:
    x = written(client, 3)
    sub = x.subscribe()
    for update in sub.updates(0):
        if update.sequence == 2:
            break
    sub.disconnect()
    assert (sub.position, sub.top) == (2, 3)
    assert sub.epoch is not None
    x.close_stream()
    assert sequences(list(x.updates(sub.position + 1, epoch=sub.epoch))) == [3]


def test_a_past_epoch_is_announced(client: Container) -> None:
    x = written(client, 2)
    x.close_stream()
    sub = x.subscribe()
    resets: list[Any] = []
    sub.reset.add_callback(resets.append)
    assert sequences(list(sub.updates(100, epoch="long ago"))) == [1, 2]
    assert [reset.previous for reset in resets] == ["long ago"]
    assert resets[0].epoch == sub.epoch


def test_deletion_is_announced_to_the_parent_and_ends_the_child(client: Container) -> None:
    x = written(client, 1)
    gone = Heard()
    parent = client.subscribe()
    parent.child_deleted.add_callback(gone)
    child = x.subscribe().start_in_thread(0)
    with parent.start_in_thread():
        x.delete(external_only=False)
        (update,) = gone.wait(1)
    assert (update.key, update.structure_family) == ("x", "array")
    with pytest.raises(NodeDeleted):
        child.wait(10)
    assert not child.closed


async def test_the_async_twin_follows_as_well(client: Container) -> None:
    x = await asyncio.to_thread(written, client, 3)
    await asyncio.to_thread(x.close_stream)
    assert sequences([each async for each in x.updates_async(0)]) == [1, 2, 3]


async def test_the_async_twin_loses_nothing_over_a_line_that_breaks(
    server: RunningServer, client: Container
) -> None:
    x = await asyncio.to_thread(written, client, 1)
    with Line(server.uri) as line:
        node = await asyncio.to_thread(from_uri, x.uri.replace(server.uri, line.uri), API_KEY)
        heard: list[int] = []
        async for update in node.updates_async(0):
            heard.append(update.data()[0])
            if update.sequence % 10 == 0:
                line.cut()
            if update.sequence == 30:
                break
            await asyncio.to_thread(x.write, np.full(6, update.sequence + 1))
    assert heard == list(range(1, 31))


def test_many_nodes_on_a_line_that_breaks_are_each_heard_once_and_in_order(
    server: RunningServer, client: Container
) -> None:
    writers = [client.write_array(np.zeros(1, int), key=f"x{n}") for n in range(5)]
    with Line(server.uri) as line:
        there = from_uri(client.uri.replace(server.uri, line.uri), API_KEY)
        heard = Heard()
        with there.connect_stream() as stream:
            for writer in writers:
                sub = stream.subscribe(there[writer.key])
                sub.new_data.add_callback(heard)
                sub.start_in_thread(0)
            for n in range(2, 21):
                for writer in writers:
                    writer.write([n], persist=False)
                if n % 5 == 0:
                    line.cut()
            heard.wait(20 * len(writers))
    for writer in writers:
        assert sequences([u for u in heard if u.path == writer.path]) == list(range(1, 21))


def test_everything_below_a_container_is_heard_once_over_a_line_that_breaks(
    server: RunningServer, client: Container
) -> None:
    before = client.write_array(np.zeros(1, int), key="before")
    with Line(server.uri) as line:
        there = from_uri(client.uri.replace(server.uri, line.uri), API_KEY)
        heard, news = Heard(), Heard()
        sub = there.subscribe(recursive=True)
        sub.new_data.add_callback(heard)
        sub.child_created.add_callback(news)
        with sub.start_in_thread():
            inner = client.create_container("inner")
            news.wait(1)
            line.cut()
            during = inner.write_array(np.zeros(1, int), key="during")
            for n in range(2, 12):
                before.write([n], persist=False)
                during.write([n], persist=False)
                if n % 5 == 0:
                    line.cut()
            heard.wait(10 + 11)
            assert {u.node.path for u in heard} == {before.path, during.path}
    assert [u.path[-1] for u in news] == [client.key, "inner"]
    assert sequences([u for u in heard if u.path == before.path]) == list(range(2, 12))
    assert sequences([u for u in heard if u.path == during.path]) == list(range(1, 12))


async def test_the_async_connection_hears_of_many_nodes(client: Container) -> None:
    x = await asyncio.to_thread(written, client, 3)
    await asyncio.to_thread(x.close_stream)
    async with client.connect_stream_async() as stream:
        heard = [each async for each in stream.subscribe(x).updates("latest")]
        assert sequences(heard) == [3]
        paths = []
        async for update in stream.subscribe(client, recursive=True).updates(0):
            paths.append((update.path[-1], update.sequence))
            if len(paths) == 4:
                break
    assert sorted(paths) == [(client.key, 1), ("x", 1), ("x", 2), ("x", 3)]


def test_an_update_may_be_larger_than_64_mib(client: Container) -> None:
    frame = np.zeros((90, 1024, 1024), np.uint8)
    frame[-1, -1, -1] = 7
    x = client.write_array(frame[:1], key="x")
    x.patch(frame, offset=(0, 0, 0), extend=True, persist=False)
    x.close_stream()
    assert [u.data()[-1, -1, -1] for u in x.updates(0)] == [0, 7]


def list_until(updates: Any, last: int) -> list[Any]:
    heard = []
    with updates:
        for update in updates:
            heard.append(update)
            if update.sequence == last:
                break
    return heard
