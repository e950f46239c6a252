"""This client with a real Tiled 0.2.20 server."""

from __future__ import annotations

import asyncio
import secrets
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile

from tests.client.cuttable_proxy import Line
from tests.client.fake_servers import sequences
from tiled_client import (
    ArrayClient,
    ArrayReference,
    ArrayStructure,
    Asset,
    Conflict,
    Container,
    DataSource,
    Management,
    NodeNotFound,
    NotSupported,
    RequestRejected,
    Spec,
    StructureFamily,
    Unauthorized,
    from_uri,
)
from tiled_client.nodes.views import items_of
from tools.backends.tiled_reference import TiledServer

TIMEOUT = 20


@pytest.fixture
def client(tiled_reference: TiledServer) -> Container:
    """A container of the test's own."""
    root = from_uri(tiled_reference.uri, tiled_reference.api_key)
    made: Container = root.create_container(f"t{secrets.token_hex(6)}")
    return made


class Heard(list[Any]):
    """What a callback was called with."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def __call__(self, item: Any) -> None:
        with self._changed:
            self.append(item)
            self._changed.notify_all()

    def wait(self, count: int) -> Heard:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self) >= count, TIMEOUT), list(self)
        return self


def test_the_tutorial(tiled_reference: TiledServer) -> None:
    client = from_uri(tiled_reference.uri, api_key=tiled_reference.api_key)
    key = secrets.token_hex(6)
    new, data = Heard(), Heard()
    sub = client.subscribe()
    sub.child_created.add_callback(new)
    sub.start_in_thread()
    x = client.write_array(np.array([1, 2, 3]), key=key)
    new.wait(1)
    assert repr(new[0].child()) == f"<ArrayClient '/{key}' shape=(3,) chunks=((3,)) dtype=int64>"
    sub.disconnect()

    x.patch(np.array([4, 5, 6]), offset=3, extend=True)
    x_sub = client[key].new_data.subscribe()
    x_sub.new_data.add_callback(data)
    x_sub.start_in_thread(0)
    data.wait(2)
    assert [(u.offset, u.data().tolist(), u.sequence) for u in data] == [
        ((0,), [1, 2, 3], 1),
        ((3,), [4, 5, 6], 2),
    ]
    x.write(np.arange(6), persist=False)
    x.patch(np.array([11]), offset=(0,), persist=False)
    x.close_stream()
    assert x_sub.wait(TIMEOUT)
    assert x_sub.closed
    assert [(u.offset, u.data().tolist()) for u in data[2:]] == [
        ((0,), [0, 1, 2, 3, 4, 5]),
        ((0,), [11]),
    ]
    np.testing.assert_array_equal(x.read(), [1, 2, 3, 4, 5, 6])


def test_an_empty_array_takes_writes_that_are_only_streamed(client: Container) -> None:
    structure = ArrayStructure.from_array(np.zeros(3, int))
    source = DataSource(structure=structure, structure_family=StructureFamily.array)
    x: Any = client.new(structure_family=StructureFamily.array, data_sources=[source], key="x")
    heard = Heard()
    x.subscribe().new_data.add_callback(heard)
    subscription = x.subscribe()
    subscription.new_data.add_callback(heard)
    with subscription.start_in_thread(0):
        x.write(np.array([4, 5, 6]), persist=False)
        x.write(np.array([11, 12, 13]))
        heard.wait(2)
    assert [u.data().tolist() for u in heard] == [[4, 5, 6], [11, 12, 13]]
    assert x.read().tolist() == [11, 12, 13]


def test_an_external_tiff_is_registered_and_its_growth_is_fetched_by_reference(
    tiled_reference: TiledServer, client: Container
) -> None:
    frames = np.arange(18, dtype="u1").reshape(3, 2, 3)
    folder = tiled_reference.readable / client.key
    folder.mkdir()
    for n, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{n}.tiff", frame)

    def stack(count: int) -> DataSource:
        structure = ArrayStructure.from_array(frames[:count]).to_json()
        structure["chunks"] = [[1] * count, [2], [3]]
        assets = [
            Asset(f"file://localhost{folder}/{n}.tiff", False, parameter="data_uris", num=n)
            for n in range(count)
        ]
        return DataSource(
            structure_family=StructureFamily.array,
            structure=ArrayStructure.from_json(structure),
            mimetype="multipart/related;type=image/tiff",
            assets=assets,
            management=Management.external,
        )

    x: Any = client.new(StructureFamily.array, [stack(2)], key="a b")
    np.testing.assert_array_equal(x[:, 1], frames[:2, 1])
    heard = Heard()
    subscription = x.subscribe()
    subscription.new_data.add_callback(heard)
    with subscription.start_in_thread():
        grown = {**stack(3).to_json(), "id": x.data_sources()[0].id}
        x._http.put(
            "data_source", x.path, {"data_source": grown},
            params={"patch_shape": (1, 2, 3), "patch_offset": (2, 0, 0)},
        )  # fmt: skip
        (update,) = heard.wait(1)
        assert isinstance(update, ArrayReference)
        assert (update.offset, update.shape, update.whole_shape) == (
            (2, 0, 0),
            (1, 2, 3),
            (3, 2, 3),
        )
        np.testing.assert_array_equal(update.data(), frames[2:])


@pytest.mark.parametrize(
    "array",
    [
        np.array(5.5),
        np.arange(24, dtype=">i4").reshape(2, 3, 4),
        np.array(["ab", "c"]),
        np.array([True, False]),
        np.array(["2026-11-22", "NaT"], "M8[ns]"),
        np.array([1 + 2j]),
        np.zeros((0, 3), "f4"),
    ],
    ids=["scalar", "big-endian", "text", "bool", "time", "complex", "empty"],
)
def test_arrays_of_every_kind_come_back(client: Container, array: np.ndarray[Any, Any]) -> None:
    made = client.write_array(array, dims=[f"d{n}" for n in range(array.ndim)] or None)
    again = client[made.key]
    assert (again.shape, again.dtype, again.ndim) == (array.shape, array.dtype, array.ndim)
    np.testing.assert_array_equal(again.read(), array)
    np.testing.assert_array_equal(np.asarray(again), array)


def test_an_array_is_read_by_slice_block_and_row(client: Container) -> None:
    array = np.arange(35.0).reshape(5, 7)
    x = client.write_array(array, key="x", chunks=(2, 4))
    path = f"/{client.key}/x"
    assert (
        repr(x) == f"<ArrayClient '{path}' shape=(5, 7) chunks=((2, 2, 1), (4, 3)) dtype=float64>"
    )
    for index in [np.s_[1:3], np.s_[::-2, 3], np.s_[-1], np.s_[..., 2:6:3], np.s_[0:0]]:
        np.testing.assert_array_equal(x[index], array[index])
    assert x[3, 4] == array[3, 4]
    assert isinstance(x[3, 4], float)
    np.testing.assert_array_equal(x.read_block((2, 1)), array[4:, 4:])
    np.testing.assert_array_equal(list(x), list(array))
    x.write_block(np.zeros((2, 4)), (0, 0))
    assert x[0:2, 0:4].sum() == 0
    with pytest.raises(IndexError):
        x[5]


def test_an_array_larger_than_a_request_goes_and_comes_in_pieces(
    tiled_reference: TiledServer, client: Container
) -> None:
    small = client._http.options.__class__(bytes_per_request=3000)
    container = from_uri(client.uri, tiled_reference.api_key, options=small)
    array = np.random.default_rng(0).random((30, 40))
    x = container.write_array(array)
    assert x.chunks[0] == (9, 9, 9, 3)
    np.testing.assert_array_equal(x.read(), array)
    np.testing.assert_array_equal(x[::-2, 1::2], array[::-2, 1::2])


def test_a_large_body_goes_in_one_request(client: Container) -> None:
    array = np.zeros(15_000_000)
    array[::1000] = 1
    x = client.write_array(array, chunks=-1)
    assert x.nbytes == 120_000_000
    assert x[:5000].sum() == 5


def test_reading_follows_the_growth_that_others_cause(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x")
    mine = client["x"]
    x.patch(np.arange(3, 6), offset=3, extend=True)
    assert x.shape == (6,)
    assert mine.shape == (3,)
    assert mine.read().tolist() == [0, 1, 2, 3, 4, 5]
    assert mine.shape == (6,)
    with pytest.raises(Conflict, match="extend"):
        x.patch(np.arange(3), offset=5)


@pytest.mark.parametrize(
    "rows",
    [
        {"a": [1, 2], "b": ["x", "y"]},
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[7, 8]),
    ],
    ids=["dict", "range", "index"],
)
def test_tables_come_back_as_frames(client: Container, rows: Any) -> None:
    client.write_table(rows, key="t")
    table = client["t"]
    assert repr(table) == f"<TableClient '/{client.key}/t' ['a', 'b'] npartitions=1>"
    expected = pd.DataFrame(rows)
    pd.testing.assert_frame_equal(table.read(), expected, check_dtype=False)
    pd.testing.assert_frame_equal(table.read(columns=["b"]), expected[["b"]], check_dtype=False)
    pd.testing.assert_series_equal(table["a"], expected["a"])
    with pytest.raises(KeyError):
        table["nope"]


def test_rows_are_appended_and_streamed(client: Container) -> None:
    table = client.create_appendable_table({"a": "int64", "b": str}, key="t")
    heard = Heard()
    subscription = table.subscribe()
    subscription.new_data.add_callback(heard)
    with subscription.start_in_thread(0):
        table.append_partition(0, {"a": [1], "b": ["x"]})
        table.append(pd.DataFrame({"a": [2], "b": ["y"]}))
        heard.wait(2)
    assert [(u.append, u.partition, u.data().a.tolist()) for u in heard] == [
        (True, 0, [1]),
        (True, 0, [2]),
    ]
    assert table.read().to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_container_is_a_mapping(client: Container) -> None:
    inner = client.create_container("c é%?#", metadata={"a": 1, "b": {"c": 2}}, specs=["s"])
    inner.write_array(np.arange(3), key="x")
    for n in range(10):
        inner.create_container(f"k{n}")
    assert len(inner) == 11
    assert list(inner) == ["x", *(f"k{n}" for n in range(10))]
    assert [item["id"] for item in items_of(inner.document_pages({"page[limit]": "5"}))] == list(
        inner
    )
    assert [list(inner.keys()[n : n + 5]) for n in (0, 5, 10)] == [
        list(inner)[n : n + 5] for n in (0, 5, 10)
    ]
    assert [node.key for node in inner.values()] == list(inner)
    assert (
        client["c é%?#", "x"]
        == inner["x"]
        == from_uri(inner["x"].uri, client.credentials.header()["Authorization"].split()[1])
    )
    assert isinstance(client["c é%?#/x"], ArrayClient)
    assert "k7" in inner
    assert "nope" not in inner
    assert client["c é%?#"].specs == (Spec("s"),)
    with pytest.raises(NodeNotFound, match="nope"):
        inner["nope"]
    with pytest.raises(Conflict):
        inner.create_container("x")


def test_metadata_is_merged_and_subscribers_of_the_parent_hear_of_it(client: Container) -> None:
    child = client.create_container("c", metadata={"a": 1, "b": {"c": 2}})
    heard = Heard()
    subscription = client.subscribe()
    subscription.child_metadata_updated.add_callback(heard)
    with subscription.start_in_thread(0):
        child.update_metadata({"a": None, "b": {"d": 3}}, specs=["s"])
        (update,) = heard.wait(1)
    assert child.metadata == {"b": {"c": 2, "d": 3}} == update.metadata
    assert (update.key, update.specs, child.specs) == ("c", (Spec("s"),), (Spec("s"),))
    child.update_metadata(specs=[], drop_revision=True)
    assert (child.metadata, child.specs) == ({"b": {"c": 2, "d": 3}}, ())


def test_nodes_are_deleted(client: Container) -> None:
    client.write_array(np.arange(3), key="x")
    client.create_container("c").create_container("d")
    with pytest.raises(Conflict, match="internally managed"):
        client["x"].delete()
    client["x"].delete(external_only=False)
    client.delete_contents(recursive=True)
    assert list(client) == []
    client.delete()
    with pytest.raises(NodeNotFound):
        client.refresh()


def test_a_missing_node_and_a_wrong_key_are_refused_at_once(
    tiled_reference: TiledServer, client: Container
) -> None:
    x = client.write_array(np.arange(3), key="x")
    subscription = x.subscribe()
    x.delete(external_only=False)
    with pytest.raises(NodeNotFound, match="No such entry"):
        subscription.start_in_thread()
    with pytest.raises(Unauthorized, match="Invalid API key"):
        from_uri(tiled_reference.uri, "wrong")


@pytest.mark.parametrize("start", [None, 0, 3])
def test_a_subscription_starts_where_requested(client: Container, start: int | None) -> None:
    x = client.write_array(np.arange(3), key="x")
    for n in range(3):
        x.write(np.full(3, n))
    heard = Heard()
    subscription = x.subscribe()
    subscription.new_data.add_callback(heard)
    with subscription.start_in_thread(start):
        expected = {None: [], 0: [1, 2, 3, 4], 3: [3, 4]}[start]
        assert sequences(heard.wait(len(expected))) == expected


def test_nothing_is_lost_or_heard_twice_over_a_line_that_breaks(
    tiled_reference: TiledServer, client: Container
) -> None:
    writer = client.write_array(np.zeros(1, int), key="x")
    heard = Heard()
    with Line(tiled_reference.uri) as line:
        address = f"{line.uri}/api/v1/metadata/{client.key}/x"
        subscription = from_uri(address, tiled_reference.api_key).subscribe()
        subscription.new_data.add_callback(heard)
        with subscription.start_in_thread(0):
            for n in range(1, 31):
                writer.write([n], persist=False)
                if n % 10 == 0:
                    heard.wait(n // 2)
                    line.cut()
            heard.wait(31)
    assert [u.data()[0] for u in heard] == list(range(31))


def test_loops_follow_a_server_that_knows_of_no_notices(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x")
    x.close_stream()
    x.write(np.arange(3))
    x.close_stream()
    heard = list(x.updates(start=0))
    # The end in between has a number, and is no gap.
    assert [(u.sequence, u.missed) for u in heard] == [(1, 0), (3, 0)]
    assert asyncio.run(collected(x)) == [1, 3]


async def collected(x: ArrayClient) -> list[int]:
    return [update.sequence async for update in x.updates_async(start=0)]


def test_unsupported_options_are_rejected_with_a_reason(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x")
    with pytest.raises(NotSupported, match="as it was written"):
        x.updates(start=0, slice="::2")
    with pytest.raises(NotSupported, match="start_time and epoch"):
        x.updates(start_time=0.0)
    with pytest.raises(NotSupported, match="start='latest'"):
        x.subscribe().start_in_thread("latest")
    with pytest.raises(NotSupported, match="no endpoint 'auth'"):
        client.create_api_key()
    with pytest.raises(NotSupported, match="each node separately"):
        client.connect_stream().open()
    with pytest.raises(NotSupported, match="each node separately"):
        client.subscribe(recursive=True).start_in_thread()
    with pytest.raises(RequestRejected):
        x.updates(start="latest")
