"""Event streams in all layouts that TiledWriter has, made without a RunEngine."""

from __future__ import annotations

import secrets
from typing import Any

import dask.array as da
import numpy as np
import pytest

from tiled_client import BlueskyEventStream, Container, from_uri

EVENTS = {"seq_num": [1, 2, 3], "time": [0.5, 1.5, 2.5]}


@pytest.fixture(scope="module", params=["server", "tiled_reference"])
def client(request: pytest.FixtureRequest) -> Container:
    """A container of the tests' own, on either server."""
    site = request.getfixturevalue(request.param)
    made: Container = from_uri(site.uri, site.api_key).create_container(secrets.token_hex(6))
    return made


def stream_of(client: Container, *tables: dict[str, Any], **data_keys: Any) -> Any:
    """Return a stream with tables and these descriptions of readings."""
    stream = client.create_container(
        specs=["BlueskyEventStream", "composite"], metadata={"data_keys": data_keys}
    )
    assert isinstance(stream, BlueskyEventStream)
    for number, table in enumerate(tables):
        stream.base.write_table(table, key=f"internal_{number}")
    return stream


def test_a_stream_without_events_is_empty(client: Container) -> None:
    stream = stream_of(client)
    assert (len(stream.read()), len(stream.table()), list(stream), len(stream)) == (0, 0, [], 0)
    assert repr(stream).endswith("{} 0 entries>")


def test_columns_of_several_tables_are_one_table(client: Container) -> None:
    units = {"units": "mm", "shape": []}
    stream = stream_of(client, {**EVENTS, "a": [1, 2, 3]}, {"b": ["x", "y", "z"]}, a=units)
    assert stream.table().to_dict("list") == {
        "time": EVENTS["time"],
        "a": [1, 2, 3],
        "b": ["x", "y", "z"],
    }
    data = stream.read()
    assert data.a.attrs == {"units": "mm"}
    assert data.b.values.tolist() == ["x", "y", "z"]
    assert stream["a"].read().tolist() == [1, 2, 3]


def test_lists_of_one_length_are_an_array(client: Container) -> None:
    stream = stream_of(client, {**EVENTS, "spectrum": [[1, 2], [3, 4], [5, 6]]})
    data = stream.read()
    assert data.spectrum.dims == ("time", "spectrum_dim1")
    assert data.spectrum.values.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_rows_of_different_lengths_are_padded(client: Container) -> None:
    stream = stream_of(client, EVENTS)
    stream.write_ragged([[1.0], [2.0, 3.0], []], key="peaks")
    values = stream.read().peaks.values
    np.testing.assert_array_equal(values, [[1, np.nan], [2, 3], [np.nan, np.nan]])
    assert list(stream.table()) == ["time"]


def test_frames_of_one_event_have_a_separate_dimension(client: Container) -> None:
    shapes = {"burst": {"shape": [2, 4]}, "dark": {"shape": [1, 4]}}
    stream = stream_of(client, EVENTS, **shapes)
    stream.write_array(np.arange(24).reshape(6, 4), key="burst")
    stream.write_array(np.arange(12).reshape(3, 4), key="dark", chunks=(1, 4))
    data = stream.read()
    assert data.burst.dims == ("burst_dim0", "burst_dim1")
    assert data.dark.dims == ("time", "dark_dim1")
    lazy = stream.dask.read(["dark"])
    assert isinstance(lazy.dark.data, da.Array)
    assert set(lazy.variables) == {"dark", "time"}


def test_events_that_have_not_arrived_are_cut_with_a_warning(client: Container) -> None:
    stream = stream_of(client, {**EVENTS, "a": [1, 2, 3]})
    stream.write_array(np.arange(2.0), key="short")
    stream.write_array(np.arange(4.0), key="long")
    with pytest.warns(UserWarning, match="are cut to 2 events: 'long' has 4, .*'a' has 3"):
        data = stream.read()
    assert data.sizes == {"time": 2}
    table = stream.table()
    assert table.index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(table["short"], [0, 1, np.nan])
    np.testing.assert_array_equal(table["long"], [0, 1, 2])


def test_deleting_the_contents_deletes_tables_and_arrays(client: Container) -> None:
    stream = stream_of(client, {**EVENTS, "a": [1, 2, 3]})
    stream.write_array(np.arange(3), key="b")
    stream.delete_contents(external_only=False)
    assert list(stream.base) == []
