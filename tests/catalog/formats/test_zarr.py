"""The catalog as Zarr, opened by zarr-python."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import xarray as xr
import zarr
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import MemoryStore

from catalog.formats.zarr import ChunkGrid
from catalog.models import DataSource, Node
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import ArrayStructure

from ..api.test_embedded_nodes import HDF5, IMAGES, folder, register, write_hdf5
from ..conftest import ARROW, OCTETS, Api, ipc, octets

__all__ = ["folder"]

pytestmark = pytest.mark.filterwarnings("ignore:.*Zarr")
VERSIONS = pytest.mark.parametrize("version", [2, 3])
DTYPES = ["?", ">i4", "<f2", "<c16", "S3", "<U70", "<M8[ns]", "V5"]


class Site(MemoryStore):
    """The server's own Zarr, asked as over HTTP."""

    def __init__(self, version: int) -> None:
        super().__init__(read_only=True)
        self._root = f"/zarr/v{version}"

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: Any = None
    ) -> Buffer | None:
        response = fetch(f"{self._root}/{key}")
        if response.status_code == 404:
            return None
        assert response.status_code == 200, response.content
        assert prototype is not None
        return prototype.buffer.from_bytes(response.content)

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        for address in orjson.loads(fetch(f"{self._root}/{prefix}").content):
            yield address.rpartition("/")[2]


def fetch(address: str, key: str = "secret") -> HttpResponse:
    """Ask from a thread of its own: zarr's has an event loop, in which Django asks no database."""

    def ask() -> HttpResponse:
        try:
            headers = {"authorization": f"Apikey {key}"} if key else {}
            return Client().get(address, headers=headers)  # type: ignore[return-value]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


def opened(path: str, version: int) -> Any:
    return zarr.open(Site(version), path=path, mode="r", zarr_format=version)  # type: ignore[arg-type]


@VERSIONS
def test_arrays_of_every_dtype_are_read_with_their_edges(api: Api, version: int) -> None:
    for dtype in map(np.dtype, DTYPES):
        body = octets(dtype, 12)
        key = f"a{dtype.kind}{dtype.itemsize}"
        structure = ArrayStructure(dtype_from_numpy(dtype), (3, 4), ((2, 1), (3, 1)), ("y", "x"))
        assert api.create(key, "array", structure).status_code == 200
        assert api.send("PUT", f"/array/full/{key}", body, OCTETS).status_code == 200
        found = opened(key, version)
        assert (found.shape, found.chunks) == ((3, 4), (2, 3))
        assert found.dtype == dtype.newbyteorder("<") if version == 3 else found.dtype == dtype
        assert found[:].astype(dtype).tobytes() == body


@VERSIONS
def test_groups_tables_and_metadata_are_found_by_walking(api: Api, version: int) -> None:
    api.container("g")
    api.container("g/c")
    api.array("g/c/7", np.arange(3))
    api.array("g/scalar", np.array(1.5))
    rows = pa.table({"n": [1, 2], "s": ["a", "é"]})
    api.table("g/t", rows)
    assert api.send("PUT", "/table/full/g/t", ipc(rows), ARROW).status_code == 200
    Node.objects.filter(path="g").update(metadata={"sample": "Cu"})
    group = opened("g", version)
    assert dict(group.attrs) == {"sample": "Cu"}
    assert set(group) == {"c", "scalar", "t"}
    assert list(group["c"]) == ["7"]
    assert group["c/7"][:].tolist() == [0, 1, 2]
    assert group["scalar"][()] == 1.5
    assert (group["t/n"][:].tolist(), group["t/s"][:].tolist()) == ([1, 2], ["a", "é"])
    assert set(opened("", version)) == {"g"}


@VERSIONS
def test_sparse_arrays_are_dense_there(api: Api, version: int) -> None:
    structure = SparseStructure(dtype_from_numpy(np.dtype("<f8")), (5,), ((2, 2, 1),))
    assert api.create("s", "sparse", structure).status_code == 200
    elements = Coo(np.array([[1, 4]]), np.array([7.5, 8.0]), (5,)).to_arrow()
    assert api.send("PUT", "/array/full/s", ipc(elements), ARROW).status_code == 200
    assert opened("s", version)[:].tolist() == [0, 7.5, 0, 0, 8]


def test_what_is_inside_a_file_is_read_as_zarr(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    np.testing.assert_array_equal(opened("f/entry", 3)["images"][:], IMAGES)


@VERSIONS
def test_what_cannot_be_described_says_so_and_hides_no_other(
    api: Api, folder: Path, version: int
) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    members = dict(opened("f/entry", version).members())
    np.testing.assert_array_equal(members["images"][:], IMAGES)
    assert "is broken" in members["broken"].attrs["problem"]
    assert list(members["broken"]) == []
    api.container("box")
    api.array("box/good", np.arange(3))
    api.array("box/bad", np.arange(3))
    DataSource.objects.filter(node__path="box/bad").update(structure={"shape": "?"})
    members = dict(opened("box", version).members())
    assert members["good"][:].tolist() == [0, 1, 2]
    assert "shape" in members["bad"].attrs["problem"]
    assert fetch(f"/zarr/v{version}/f/entry/none/.zgroup").status_code == 404


def test_xarray_opens_a_container_of_arrays(api: Api) -> None:
    api.container("d")
    structure = ArrayStructure.from_array(np.arange(6.0).reshape(2, 3), dims=("y", "x"))
    assert api.create("d/a", "array", structure).status_code == 200
    octets = np.arange(6.0).tobytes()
    assert api.send("PUT", "/array/full/d/a", octets, OCTETS).status_code == 200
    found = xr.open_zarr(Site(3), group="d", consolidated=False, chunks=None)  # type: ignore[arg-type]
    assert (found["a"].dims, found["a"].values.tolist()) == (("y", "x"), [[0, 1, 2], [3, 4, 5]])


def test_what_is_not_there_or_not_allowed_is_said_as_elsewhere(api: Api) -> None:
    api.array("a", np.arange(6).reshape(2, 3))
    api.array("long", np.zeros(2, "<f8").view("<f16"))
    for address, status in {
        "v3/none/zarr.json": 404,
        "v2/none/.zarray": 404,
        "v3/a/c/0/1": 404,
        "v3/a/c/0": 404,
        "v3/a/c/999999999999999999/0": 404,
        "v2/a/.zgroup": 404,
        "v2/a/.zmetadata": 404,
        "v2/.zarray": 404,
        "v3/long/zarr.json": 406,
        "v3/a": 200,
        "v3/c/0": 404,
        "v2/0": 404,
    }.items():
        assert fetch(f"/zarr/{address}").status_code == status, address
    assert "Content-Type" not in fetch("/zarr/v3/").headers, "or fsspec sees nothing in it"
    assert fetch("/zarr/v3/a/zarr.json", key="").status_code == 401
    assert fetch("/zarr/v3/a/c/0/0", key="wrong").status_code == 401


def test_chunks_of_any_array_are_of_one_size_and_not_too_large() -> None:
    f8 = np.dtype("f8")
    assert ChunkGrid.of((7, 4), ((3, 3, 1), (4,)), f8).chunk == (3, 4)
    assert ChunkGrid.of((6,), ((1, 3, 2),), f8).chunk == (3,)
    assert ChunkGrid.of((0, 3), ((0,), (3,)), f8).chunk == (1, 3)
    large = ChunkGrid.of((100_000, 2_000), ((100_000,), (2_000,)), f8)
    assert large.chunk[1] == 2_000
    assert np.prod(large.chunk) * 8 <= 32 << 20
