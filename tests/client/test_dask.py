"""Lazy reads with dask: this client with this server, and with a real Tiled 0.2.20."""

from __future__ import annotations

import secrets
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import sparse

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayClient,
    Container,
    DaskArrayClient,
    DaskSparseClient,
    DaskTableClient,
    TableClient,
    from_uri,
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


def test_an_array_is_a_dask_array_with_the_chunks_of_the_server(client: Container) -> None:
    numbers = np.arange(35.0).reshape(5, 7)
    x = client.write_array(numbers, key="x", chunks=(2, 4))
    lazy = x.dask.read()
    assert lazy.chunks == ((2, 2, 1), (4, 3)) == x.chunks
    assert x.dask.read(chunks="auto").chunks == ((5,), (7,))
    for index in [np.s_[1:3], np.s_[::-2, 3], np.s_[-1], np.s_[None, 1, ::2], np.s_[[0, 2]]]:
        np.testing.assert_array_equal(lazy[index].compute(), numbers[index])
        np.testing.assert_array_equal(x.dask[index].compute(), numbers[index])
    np.testing.assert_array_equal(x.dask.read_block((2, 1)).compute(), numbers[4:, 4:])
    np.testing.assert_array_equal(x.dask.compute(), numbers)
    np.testing.assert_array_equal(da.asarray(x.dask) + 1, numbers + 1)
    assert repr(x.dask).startswith("<DaskArrayClient ")


@pytest.mark.parametrize(
    "array",
    [
        np.array(5.5),
        np.zeros((0, 3), "f4"),
        np.array(["ab", "c"]),
        np.array(["2026-11-22", "NaT"], "M8[ns]"),
        np.arange(3, dtype=">i2"),
    ],
    ids=["scalar", "empty", "text", "time", "big-endian"],
)
def test_lazy_arrays_of_every_kind_are_computed(
    client: Container, array: np.ndarray[Any, Any]
) -> None:
    lazy = client.write_array(array).dask.read()
    computed = np.asarray(lazy.compute())
    assert lazy.dtype == computed.dtype == array.dtype
    np.testing.assert_array_equal(computed, array)


def test_only_the_chunks_that_a_result_needs_are_fetched(
    client: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = client.write_array(np.arange(40.0).reshape(4, 10), key="x", chunks=(1, 10))
    fetched: list[Any] = []
    read = ArrayClient._read_slice
    monkeypatch.setattr(
        ArrayClient,
        "_read_slice",
        lambda self, index: fetched.append(index) or read(self, index),
    )
    assert x.dask.read()[2, 3:5].compute(scheduler="synchronous").tolist() == [23, 24]
    assert fetched == [(2, slice(3, 5, 1))] or len(fetched) == 1
    assert x.dask.read().sum().compute() == 780
    assert len(fetched) == 5


def test_a_lazy_array_keeps_the_shape_that_it_was_made_with(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x")
    lazy = client["x"].dask.read()
    x.patch(np.arange(3, 6), offset=3, extend=True)
    assert lazy.compute().tolist() == [0, 1, 2]
    assert x.dask.read().compute().tolist() == [0, 1, 2, 3, 4, 5]


def test_results_are_not_those_of_former_data(client: Container) -> None:
    x = client.write_array(np.arange(3), key="x")
    before = x.dask.read()
    x.write(np.arange(3) + 7)
    assert before.name != x.dask.read().name
    assert x.dask.read().compute().tolist() == [7, 8, 9]


def test_a_reduction_is_computed_by_the_server(ours: Container) -> None:
    numbers = np.random.default_rng(0).random((5, 7))
    x = ours.write_array(numbers, key="x", chunks=(2, 4))
    expected = x.read(np.s_[1:, ::-1], reduce="max:2,3")
    lazy = x.dask.read(np.s_[1:, ::-1], reduce="max:2,3")
    np.testing.assert_array_equal(lazy.compute(), expected)
    np.testing.assert_array_equal(lazy[1:, 0].compute(), expected[1:, 0])


def test_a_table_is_a_dask_frame_of_which_used_columns_are_fetched(
    client: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, 1.5, 2.5]})
    table = client.write_table(frame, key="t")
    np.testing.assert_array_equal(table.dask.read().compute(), frame)
    np.testing.assert_array_equal(table.dask[["c", "a"]].compute(), frame[["c", "a"]])
    pd.testing.assert_frame_equal(table.dask.compute(), frame, check_dtype=False)
    fetched: list[Any] = []
    read = TableClient.read_partition
    monkeypatch.setattr(
        TableClient,
        "read_partition",
        lambda self, n, columns=None: fetched.append(columns) or read(self, n, columns),
    )
    assert table.dask["a"].sum().compute(scheduler="synchronous") == 6
    assert fetched == [["a"]]


def test_a_sparse_array_is_a_dask_array_of_sparse_chunks(client: Container) -> None:
    dense = np.diag([1.5, 2.5, 3.5])
    made = client.write_sparse(sparse.COO.from_numpy(dense), key="s")
    computed = made.dask.read().compute()
    assert isinstance(computed, sparse.COO)
    np.testing.assert_array_equal(computed.todense(), dense)
    np.testing.assert_array_equal(made.dask.todense(), dense)
    assert made.dask[1, 1].compute() == 2.5
    with pytest.raises(TypeError, match="todense"):
        np.asarray(made)


def test_lazy_containers_lead_to_lazy_nodes(client: Container) -> None:
    inner = client.create_container("c")
    inner.write_array(np.arange(3), key="x")
    inner.write_table({"a": [1]}, key="t")
    inner.write_sparse(np.array([[0]]), np.array([1.0]), (2,), key="s")
    kinds = [DaskArrayClient, DaskTableClient, DaskSparseClient]
    key = client.credentials.api_key
    for lazy in (
        inner.dask,
        client.dask["c"],
        from_uri(client.uri, "dask", api_key=key)["c"],
        from_uri(client.uri, api_key=key, structure_clients="dask")["c"],
        from_uri(client.uri, key).dask["c"],
    ):
        assert [type(lazy[name]) for name in "xts"] == kinds
        assert sorted(map(str, map(type, lazy.values()))) == sorted(map(str, kinds))
    assert list(inner.sort("-id").dask) == ["x", "t", "s"]
    assert type(inner.dask.write_array(np.arange(2)).read()) is da.Array


def test_classes_for_specs_are_chosen_and_others_refused(ours: Container) -> None:
    class Spectrum(ArrayClient):
        pass

    ours.write_array(np.arange(3), key="x", specs=["spectrum"])
    ours.write_array(np.arange(3), key="y")
    own = from_uri(ours.uri, {"spectrum": Spectrum}, api_key=API_KEY)
    assert [type(node) for node in own.values()] == [Spectrum, ArrayClient]
    with pytest.raises(TypeError, match="must be a subclass"):
        from_uri(ours.uri, {"spectrum": dict}, api_key=API_KEY)
    with pytest.raises(ValueError, match="given twice"):
        from_uri(ours.uri, API_KEY, api_key=API_KEY)


def test_processes_of_dask_read_and_reuse_their_connections(client: Container) -> None:
    x = client.write_array(np.arange(64.0).reshape(8, 8), key="x", chunks=(2, 8))
    table = client.write_table({"a": [1, 2, 3]}, key="t")
    with dask.config.set(scheduler="processes", num_workers=2):
        assert x.dask.read().sum().compute() == 2016
        assert table.dask["a"].sum().compute() == 6
