"""Sparse, ragged and awkward arrays: this client with this server, and with a real Tiled 0.2.20."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import awkward as ak
import numpy as np
import pytest
import ragged
import sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    AwkwardUpdate,
    Conflict,
    Container,
    DataSource,
    RaggedUpdate,
    SparseStructure,
    SparseUpdate,
    StructureFamily,
    from_uri,
)
from tiled_client.wire.dtypes import dtype_from_numpy

TIMEOUT = 20
OFTEN = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=["server", "tiled_reference"])
def client(request: pytest.FixtureRequest) -> Container:
    """A container of the test's own, on either server."""
    site = request.getfixturevalue(request.param)
    made: Container = from_uri(site.uri, site.api_key).create_container(secrets.token_hex(6))
    return made


@pytest.fixture
def ours(server: RunningServer) -> Container:
    """A container on this project's server."""
    made: Container = from_uri(server.uri, API_KEY).create_container(secrets.token_hex(6))
    return made


def coo(dense: Any) -> sparse.COO:
    return sparse.COO.from_numpy(np.asarray(dense))


def heard(node: Any) -> list[Any]:
    """All updates of a stream that is closed."""
    node.close_stream()
    return list(node.updates(start=0, timeout=TIMEOUT))


@OFTEN
@given(st.data())
def test_a_sparse_array_is_read_back(client: Container, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    dtype = data.draw(st.sampled_from(["<i8", "<f4", "<u2", "?"]))
    dense = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 2, shape).astype(dtype)
    written = client.write_sparse(coo(dense))
    read = client[written.key].read()
    np.testing.assert_array_equal(read.todense(), dense)
    assert (read.dtype, written.dtype, written.shape) == (dense.dtype, dense.dtype, shape)
    np.testing.assert_array_equal(written[:, ...].todense(), dense)
    np.testing.assert_array_equal(written[0:2].todense(), dense[0:2])


def test_a_sparse_array_is_written_by_chunks(client: Container) -> None:
    dtype = dtype_from_numpy(np.dtype(float))
    structure = SparseStructure(dtype, (10,), ((5, 5),), dims=("x",))
    x: Any = client.new(
        StructureFamily.sparse, [DataSource(StructureFamily.sparse, structure)], key="x"
    )
    x.write_block(np.array([[2, 4]]), np.array([3.1, 2.8]), (0,))
    x.write_block(np.array([[0, 1]]), np.array([6.7, 1.2]), block=(1,))
    expected = np.array([0, 0, 3.1, 0, 2.8, 6.7, 1.2, 0, 0, 0])
    np.testing.assert_array_equal(client["x"].todense(), expected)
    assert (x.chunks, x.dims, x.ndim) == (((5, 5),), ("x",), 1)
    np.testing.assert_array_equal(x[::-3].todense(), expected[::-3])
    first, second = heard(x)
    assert isinstance(first, SparseUpdate)
    assert (first.block, first.offset, first.shape) == ((0,), (0,), (5,))
    assert (second.block, second.offset) == ((1,), (5,))
    np.testing.assert_array_equal(second.data().todense(), expected[5:])


def test_a_single_element_is_a_scalar(ours: Container) -> None:
    x = ours.write_sparse(coo([[0, 7], [0, 0]]), dims=["y", "x"])
    assert (x[0, 1], x[1, 1], x.dims) == (7, 0, ("y", "x"))
    with pytest.raises(IndexError):
        _ = x[2]
    with pytest.raises(TypeError, match="do not fit"):
        x.write(coo([[0.5, 0], [0, 0]]))
    with pytest.raises(ValueError, match="5 of dimension 0"):
        x.write(np.array([[5], [0]]), np.array([1]))


Rows = st.lists(st.lists(st.integers(-99, 99), max_size=4), min_size=1, max_size=5)


@OFTEN
@given(rows=Rows.filter(any), more=Rows.filter(any))
def test_a_ragged_array_is_read_back_and_grows(client: Container, rows: Any, more: Any) -> None:
    r = client.write_ragged(rows)
    assert r.read().tolist() == rows
    r.append(more)
    found = client[r.key]
    assert (found.shape, found.read().tolist()) == ((len(rows + more), None), rows + more)
    assert r[len(rows) :].tolist() == more
    assert isinstance(r.read(), ragged.array)


VALUES = [
    ragged.array([[1, 2], [3]]),
    ak.Array([[1, 2], [3]]),
    [[1, 2], [3]],
    np.array([[1, 2], [3, 4]]),
    np.arange(12.0).reshape(2, 3, 2),
    ak.values_astype(ak.Array([[[1], []], [[2, 3]]]), np.float32),
    ak.Array([[True], []]),
]


@pytest.mark.parametrize("rows", VALUES, ids=lambda rows: str(getattr(rows, "type", type(rows))))
def test_inputs_that_can_be_written_as_a_ragged_array(client: Container, rows: Any) -> None:
    r = client.write_ragged(rows, key="r", metadata={"a": 1})
    plain = rows if isinstance(rows, list) else rows.tolist()
    assert client["r"].read().tolist() == plain
    assert client["r"].metadata == {"a": 1}
    assert r.read().dtype == r.dtype
    assert r[0, ...].tolist() == plain[0]


def test_a_large_ragged_array_is_written_in_chunks_of_rows(server: RunningServer) -> None:
    from tiled_client import HttpOptions

    options = HttpOptions(bytes_per_request=1000)
    root = from_uri(server.uri, API_KEY, options=options)
    rows = [list(range(n % 7)) for n in range(200)]
    r = root.write_ragged(rows, key=secrets.token_hex(6))
    assert len(r.structure.row_chunks) > 5
    assert r.read().tolist() == rows
    assert r[100:102].tolist() == rows[100:102]
    third = r.structure.block_rows((2,))
    r.write_block([[9]] * len(third), block=2)
    rows[third.start : third.stop] = [[9]] * len(third)
    assert r.read().tolist() == rows


def test_rows_are_replaced_and_growth_requires_extend(ours: Container) -> None:
    r = ours.write_ragged([[1], [2, 2], [3]])
    r.patch([[7, 7, 7]], offset=1)
    r.write([[1], [7], [3, 3]], persist=False)
    assert r.read().tolist() == [[1], [7, 7, 7], [3]]
    assert r.size == 5
    with pytest.raises(Conflict, match="do not fit within the 3 rows"):
        r.patch([[1]], offset=3)
    with pytest.raises(TypeError, match="do not fit"):
        r.write([[0.5], [1], [2]])
    assert r[0, 0] == 1


def test_rows_are_streamed_when_written(client: Container) -> None:
    r = client.write_ragged([[1, 2], [3]], key="r")
    r.append([[4, 5, 6]])
    whole, added = heard(r)
    assert isinstance(added, RaggedUpdate)
    assert (whole.data().tolist(), added.data().tolist()) == ([[1, 2], [3]], [[4, 5, 6]])
    assert (whole.offset, added.offset) == ((0,), (2,))
    assert (added.shape, added.block) == ((1,), None)
    assert added.dtype == np.int64


EVENTS = [{"x": 1, "y": [1.5], "s": "a"}, {"x": 2, "y": [], "s": None}]


def test_an_awkward_array_is_read_back(client: Container) -> None:
    a = client.write_awkward(ak.Array(EVENTS), key="a")
    assert client["a"].read().to_list() == EVENTS
    assert client["a"]["y"].to_list() == [[1.5], []]
    assert client["a"][1, "x"] == 2
    assert client["a"][0].to_list() == EVENTS[0]
    assert client["a"][::-1].to_list() == EVENTS[::-1]
    expected = f"<AwkwardClient '/{client.key}/a' length=2 fields=['x', 'y', 's']>"
    assert (len(a), repr(a)) == (2, expected)
    a.write(ak.Array(EVENTS))
    with pytest.raises(ValueError, match="another form"):
        a.write([1, 2])


def test_items_of_an_awkward_array_are_streamed_when_written(ours: Container) -> None:
    a = ours.write_awkward(EVENTS)
    other = [{**EVENTS[0], "y": [7.5]}, EVENTS[1]]
    a.write(other, persist=False)
    first, second = heard(a)
    assert isinstance(second, AwkwardUpdate)
    assert (first.data().to_list(), second.data().to_list()) == (EVENTS, other)
    assert (first.persisted, second.persisted, second.length) == (True, False, 2)
    assert a.read().to_list() == EVENTS


def test_children_of_all_families_are_announced(ours: Container) -> None:
    sub = ours.subscribe()
    made: list[Any] = []
    sub.child_created.add_callback(lambda update: made.append(update.child()))
    with sub.start_in_thread(0):
        ours.write_sparse(coo([0, 1]), key="s")
        ours.write_ragged([[1]], key="r")
        ours.write_awkward(EVENTS, key="a")
        ours.close_stream()
        assert sub.wait(TIMEOUT)
    assert [child.key for child in made] == ["s", "r", "a"]
    assert made[0].todense().tolist() == [0, 1]
    assert made[1].read().tolist() == [[1]]
    assert made[2].read().to_list() == EVENTS


def test_a_json_subscriber_receives_json_values(ours: Container, server: RunningServer) -> None:
    import json

    from websockets.sync.client import connect

    nodes = [
        (ours.write_sparse(coo([[0.5, 0]]), key="s"), {"dim0": [0], "dim1": [0], "data": [0.5]}),
        (ours.write_ragged([[1], [2, 3]], key="r"), [[1], [2, 3]]),
        (ours.write_awkward(EVENTS, key="a"), EVENTS),
    ]
    for node, expected in nodes:
        uri = (
            f"{server.uri.replace('http', 'ws')}/api/v1/stream/single/{'/'.join(node.path)}?start=0"
        )
        headers = {"Authorization": f"Apikey {API_KEY}"}
        with connect(uri, additional_headers=headers) as socket:
            schema, update = (json.loads(socket.recv(TIMEOUT)) for _ in range(2))
        assert schema["type"].partition("-")[0] in ("array", "ragged", "awkward")
        assert update["payload"] == expected


def test_the_order_of_the_stream_is_the_order_of_storage(ours: Container) -> None:
    s, r = ours.write_sparse(coo([0, 1])), ours.write_ragged([[0], []])
    a = ours.write_awkward([[0, 0]])

    def write(number: int) -> None:
        s.write(coo([number, 1]))
        r.write([[number] * (number % 3), [number]])
        a.write([[number, number]])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 41)))
    for node, plain in (
        (s, lambda x: x.todense().tolist()),
        (r, ragged.array.tolist),
        (a, ak.to_list),
    ):
        updates = heard(node)
        assert [update.sequence for update in updates] == list(range(1, 42))
        assert plain(updates[-1].data()) == plain(node.read())
