"""Datasets of xarray: with this server and with Tiled 0.2.20, and exchanged with Tiled's client."""

from __future__ import annotations

import secrets
import subprocess
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import Container, DatasetClient, from_uri
from tools.backends.tiled_reference import reference_environment, reference_python

TILED = """
import sys
import numpy, xarray
from tiled.client import from_uri
from tiled.client.xarray import write_xarray_dataset
node = from_uri(sys.argv[1], api_key=sys.argv[2])
for optimize in (True, False):
    read = node["ours"].read(optimize_wide_table=optimize)
    assert read.attrs == {"title": "t"}, read.attrs
    assert read.temperature.attrs == {"units": "K"}, read
    assert set(read.coords) == {"time", "x", "z"}, read
    assert read.temperature.sel(x=2.5).values.tolist() == [1.0, 4.0, 7.0, 10.0], read
    assert str(read.time.values[1]).startswith("2026-11-30T01"), read
dataset = xarray.Dataset(
    {"counts": (("time", "x"), numpy.arange(6).reshape(2, 3), {"units": "1"})},
    coords={"time": [0.5, 1.5]},
    attrs={"by": "tiled"},
)
write_xarray_dataset(node, dataset, key="theirs")
"""


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


def plain() -> xr.Dataset:
    """A dataset that both clients store without a change."""
    times = pd.date_range("2026-11-30", periods=4, freq="h")
    return xr.Dataset(
        {"temperature": (("time", "x"), np.arange(12.0).reshape(4, 3), {"units": "K"})},
        coords={"time": times, "x": [1.5, 2.5, 3.5], "z": ("x", [1, 2, 3])},
        attrs={"title": "t"},
    )


def test_a_dataset_comes_back_at_once_and_lazily(client: Container) -> None:
    written = plain().assign(
        flag=("time", [True, False, True, True]),
        label=("x", np.array(["a", "bb", "c"], dtype=object)),
        scalar=((), 5),
        duration=("time", np.arange(4).astype("m8[s]")),
    )
    written.temperature.encoding = {
        "dtype": np.dtype("i2"),
        "scale_factor": 0.1,
        "_FillValue": np.nan,
        "chunksizes": (2, 3),
        "source": "/tmp/x.nc",
    }
    written.time.encoding = {"units": "hours since 2026-01-01", "calendar": "standard"}
    node = client.write_xarray(written, key="d", metadata={"sample": "A"}, specs=["mine"])
    assert isinstance(node, DatasetClient)
    assert node.metadata["sample"] == "A"
    assert [spec.name for spec in client["d"].specs] == ["mine", "xarray_dataset"]
    lazy = client.dask["d"].read()
    assert isinstance(lazy.temperature.data, da.Array)
    for read in (client["d"].read(), lazy.compute(), node.dask.read().compute()):
        xr.testing.assert_identical(read, written)
        assert {n: v.dtype.kind for n, v in read.variables.items()}["time"] == "M"
        assert read.time.encoding == written.time.encoding
        encoding = dict(read.temperature.encoding)
        assert np.isnan(encoding.pop("_FillValue"))
        assert encoding == {"dtype": np.dtype("i2"), "scale_factor": 0.1, "chunksizes": (2, 3)}


def test_some_variables_are_read_with_their_coordinates(client: Container) -> None:
    node = client.write_xarray(plain().assign(n=("x", [7, 8, 9])), key="d")
    assert sorted(node.read(["n"]).variables) == ["n", "x", "z"]
    assert node["n"].read().tolist() == [7, 8, 9]
    with pytest.raises(KeyError, match="'nope' is not a variable"):
        node.read(["nope"])


def test_dask_arrays_are_written_in_their_chunks(client: Container) -> None:
    numbers = da.arange(40, chunks=10).reshape(4, 10)
    x = client.write_array(numbers - numbers.mean(), key="x")
    assert x.chunks == numbers.chunks
    np.testing.assert_array_equal(x.read(), np.arange(40).reshape(4, 10) - 19.5)
    node = client.write_xarray(xr.DataArray(numbers, dims=["t", "x"], name="n"), key="d")
    assert node["n"].chunks == numbers.chunks
    np.testing.assert_array_equal(node.read().n, numbers)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": 1}, "not a dict"),
        (xr.Dataset({"a/b": 1}), "rename"),
        (xr.Dataset({"a": ("x", np.array([{}], dtype=object))}), "type dict"),
        (xr.Dataset({"b": 1, "a": ((), 1, {"x": float("nan")})}), "nan"),
        (
            xr.Dataset(coords={"p": ("x", [0]), "q": ("x", [5])}).set_index(x=["p", "q"]),
            "reset",
        ),
    ],
    ids=["dict", "slash", "object", "nan", "multi-index"],
)
def test_what_cannot_be_stored_is_refused_and_leaves_nothing(
    ours: Container, data: Any, message: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        ours.write_xarray(data, key="d")
    assert list(ours) == []


def test_arrays_that_grow_are_cut_to_one_length_with_a_warning(ours: Container) -> None:
    node = ours.write_xarray(plain(), key="d")
    node["temperature"].patch(np.zeros((1, 3)), offset=(4, 0), extend=True)
    with pytest.warns(UserWarning, match="'time' to 4"):
        xr.testing.assert_identical(node.read(), plain())


def test_tiled_reads_our_datasets_and_we_read_theirs(client: Container) -> None:
    client.write_xarray(plain(), key="ours")
    command = [str(reference_python()), "-c", TILED, client.uri, str(client.credentials.api_key)]
    done = subprocess.run(
        command, env=reference_environment(), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    theirs = client["theirs"].read()
    assert theirs.attrs == {"by": "tiled"}
    assert theirs.counts.attrs == {"units": "1"}
    assert theirs.counts.sel(time=1.5).values.tolist() == [3, 4, 5]
