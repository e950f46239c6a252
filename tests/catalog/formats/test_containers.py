"""Whole containers, read back by h5py, xarray and awkward."""

from __future__ import annotations

import io
from typing import Any

import awkward as ak
import numpy as np
import orjson
import pyarrow as pa
import pytest
import xarray as xr
from django.test import Client

from catalog.config import ExportSettings
from catalog.models import Node
from tests.catalog.factories import make, people
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_buffers, ragged_body, zip_members
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import ArrayStructure

from ..conftest import ARROW, OCTETS, Api, detail, ipc
from .test_arrays import content, hdf5

METADATA = {
    "text": "é",
    "number": 5,
    "fraction": 0.5,
    "yes": True,
    "numbers": [1, 2],
    "grid": [[1.0, 2], [3, 4]],
    "texts": ["a", "b"],
    "mixed": [1, "a"],
    "ragged": [[1], [2, 3]],
    "nothing": None,
    "empty": [],
    "object": {"a": {"b": [1, None]}},
    "large": 2**64 - 1,
    "long": "x" * 100_000,
}
RECORDS = ak.Array([{"x": [1.0, 2.0], "y": 1}, {"x": [], "y": 2}])


def metadata_of(api: Api, path: str, metadata: dict[str, Any]) -> None:
    Node.objects.filter(path=path).update(metadata=metadata)


def put_awkward(api: Api, path: str, array: Any) -> None:
    form, length, buffers = awkward_buffers(array)
    assert api.create(path, "awkward", AwkwardStructure(length, form)).status_code == 200
    response = api.send("PUT", f"/awkward/full/{path}", zip_members(buffers), ZIP)
    assert response.status_code == 200, response.content


def put_ragged(api: Api, path: str) -> None:
    rows = ak.Array([[1.0], [], [2.0, 3.0]])
    structure = RaggedStructure.from_json(
        {
            "shape": [3, None],
            "chunks": [[3], None],
            "size": 3,
            "data_type": dtype_from_numpy(np.dtype("<f8")).to_json(),
        }
    )
    response = api.create(path, "ragged", structure)
    assert response.status_code == 200, response.content
    response = api.send("PUT", f"/ragged/full/{path}", ragged_body(rows), ZIP)
    assert response.status_code == 200, response.content


@pytest.fixture
def everything(api: Api) -> Api:
    """A container with a node of every family, and one that cannot be read."""
    for path in ("c", "c/inner", "c/inner/empty"):
        api.container(path)
    api.array("c/a", np.arange(6.0).reshape(2, 3))
    api.array("c/inner/texts", np.array(["é", "b"]))
    table = pa.table({"x": [1, 2], "a/b": ["u", None]})
    api.table("c/t", table)
    assert api.send("PUT", "/table/full/c/t", ipc(table), ARROW).status_code == 200
    structure = SparseStructure(dtype_from_numpy(np.dtype("<f8")), (3,), ((3,),))
    assert api.create("c/s", "sparse", structure).status_code == 200
    elements = Coo(np.array([[2]]), np.array([7.5]), (3,)).to_arrow()
    assert api.send("PUT", "/array/full/c/s", ipc(elements), ARROW).status_code == 200
    put_awkward(api, "c/w", RECORDS)
    put_ragged(api, "c/r")
    form, length, _ = awkward_buffers(RECORDS)
    assert api.create("c/none", "awkward", AwkwardStructure(length, form)).status_code == 200
    metadata_of(api, "c", METADATA)
    metadata_of(api, "c/a", {"units": "mm"})
    return api


def test_a_file_has_every_family_in_it_and_says_what_is_missing(everything: Api) -> None:
    file = hdf5(everything, "/container/full/c")
    np.testing.assert_array_equal(file["a"][:], np.arange(6.0).reshape(2, 3))
    assert file["a"].attrs["units"] == "mm"
    assert file["inner/texts"].asstr()[:].tolist() == ["é", "b"]
    assert len(file["inner/empty"]) == 0
    assert file["t/x"][:].tolist() == [1, 2]
    assert file["t/a%2Fb"].asstr()[:].tolist() == ["u", ""]
    assert (file["s/data"][:].tolist(), file["s/coords"][:].tolist()) == ([7.5], [[2]])
    for key, expected in {"w": RECORDS.to_list(), "r": [[1.0], [], [2.0, 3.0]]}.items():
        group = file[key]
        buffers = {name: np.asarray(item) for name, item in group.items()}
        form = ak.forms.from_json(group.attrs["form"])
        assert ak.from_buffers(form, group.attrs["length"], buffers).to_list() == expected
    assert "Nothing has been written" in file["none"].attrs["not_exported"]


def test_metadata_are_attributes_whatever_they_hold(everything: Api) -> None:
    found = dict(hdf5(everything, "/container/full/c").attrs)
    as_json = {"mixed", "ragged", "nothing", "empty", "object"}
    assert {key: orjson.loads(found[key]) for key in as_json} == {k: METADATA[k] for k in as_json}
    for key in METADATA.keys() - as_json:
        assert np.array_equal(found[key], METADATA[key])  # type: ignore[arg-type]


def test_an_outline_has_all_metadata_and_no_data(everything: Api) -> None:
    outline = orjson.loads(content(everything, "/container/full/c?format=json"))
    assert outline["metadata"] == METADATA
    contents = outline["contents"]
    assert list(contents) == ["inner", "a", "t", "s", "w", "r", "none"]
    assert contents["a"] == {"contents": {}, "metadata": {"units": "mm"}}
    assert list(contents["t"]["contents"]) == ["x", "a/b"]
    assert list(contents["inner"]["contents"]) == ["empty", "texts"]
    everything.container("bare")
    assert everything.json("/container/full/bare?format=json") == {"contents": {}, "metadata": {}}


def test_fields_name_the_children_that_are_wanted(everything: Api) -> None:
    assert list(hdf5(everything, "/container/full/c?field=a&field=inner")) == ["a", "inner"]
    response = everything.send("POST", "/container/full/c?format=json", ["t"])
    assert list(orjson.loads(response.content)["contents"]) == ["t"]
    missing = everything.get("/container/full/c?field=a&field=nope")
    assert (missing.status_code, detail(missing)) == (404, "No such entry: ['c', 'nope']")
    for body in ([], [1], {"a": 1}):
        assert everything.send("POST", "/container/full/c", body).status_code == 422
    assert everything.get("/container/full/c?format=png").status_code == 406
    assert everything.get("/container/full/c/a").status_code == 404


def test_the_old_address_answers_for_tables_and_containers(everything: Api) -> None:
    assert everything.rows("/node/full/c/t").num_rows == 2
    assert list(hdf5(everything, "/node/full/c/inner")) == ["empty", "texts"]
    assert everything.get("/node/full/c/a").status_code == 404


def test_containers_within_containers_may_be_as_deep_as_paths_allow(api: Api) -> None:
    path = "d"
    api.container(path)
    for _ in range(120):
        path = f"{path}/d"
        api.container(path)
    api.array(f"{path}/a", np.arange(3))
    assert hdf5(api, "/container/full/d")[f"{path.removeprefix('d/')}/a"][:].tolist() == [0, 1, 2]
    assert content(api, "/container/full/d?format=json").count(b'"contents"') == 122


def test_more_than_an_export_may_hold_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog.formats.hdf5 import files as exporter

    monkeypatch.setattr(exporter, "export_settings", lambda: ExportSettings(bytesize_limit=100))
    api.container("c")
    api.array("c/a", np.zeros(10))
    assert api.get("/container/full/c").status_code == 200
    api.array("c/b", np.zeros(10))
    response = api.get("/container/full/c")
    assert (response.status_code, "Export would exceed 100" in detail(response)) == (400, True)


def write_dataset(api: Api, dataset: xr.Dataset) -> None:
    """As the client's own writer does."""
    body = {
        "id": "x",
        "structure_family": "container",
        "metadata": {"attrs": dataset.attrs},
        "specs": [{"name": "xarray_dataset", "version": None}],
    }
    assert api.send("POST", "/metadata/", body).status_code == 200
    for spec, variables in (("data_var", dataset.data_vars), ("coord", dataset.coords)):
        for name, variable in variables.items():
            structure = ArrayStructure.from_array(variable.values, dims=variable.dims)  # type: ignore[arg-type]
            source = {"structure_family": "array", "structure": structure.to_json()}
            node = {
                "id": name,
                "structure_family": "array",
                "data_sources": [source],
                "metadata": {"attrs": variable.attrs},
                "specs": [{"name": f"xarray_{spec}", "version": None}],
            }
            assert api.send("POST", "/metadata/x", node).status_code == 200
            octets = variable.values.tobytes()
            assert api.send("PUT", f"/array/full/x/{name}", octets, OCTETS).status_code == 200


DATASET = xr.Dataset(
    {
        "temperature": ("time", [20.5, 21.0, 21.5], {"units": "degC"}),
        "image": (("time", "y"), np.arange(6).reshape(3, 2)),
    },
    {"time": ("time", np.array([1, 2, 3], "M8[ns]")), "label": ("time", np.array(["a", "b", "c"]))},
    {"title": "é"},
)


def test_data_sets_of_xarray_come_back_as_netcdf_and_as_tables(api: Api) -> None:
    write_dataset(api, DATASET)
    for name in ("nc", "h5"):
        body = io.BytesIO(content(api, f"/container/full/x?format={name}"))
        with xr.open_dataset(body, engine="h5netcdf") as found:
            xr.testing.assert_identical(found.load(), DATASET)
    response = api.get("/container/full/x?field=temperature&field=time&format=arrow")
    frame = pa.ipc.open_file(pa.py_buffer(response.content)).read_pandas()
    assert frame.reset_index()["temperature"].tolist() == [20.5, 21.0, 21.5]
    assert frame.reset_index()["time"].tolist() == DATASET.time.to_index().tolist()
    csv = content(api, "/container/full/x?field=temperature&field=time&format=csv").decode()
    assert csv.splitlines()[0] == '"temperature","time"'
    assert api.get("/container/full/x?format=xlsx").status_code == 200
    api.container("x/inner")
    assert api.get("/container/full/x?format=csv").status_code == 406


def test_an_array_may_have_dimensions_of_one_name_as_bluesky_writes_it(api: Api) -> None:
    write_dataset(api, DATASET)
    array = np.arange(12.0).reshape(3, 2, 2)
    structure = ArrayStructure.from_array(array, dims=("time", "y", "y"))
    assert api.create("x/square", "array", structure).status_code == 200
    written = api.send("PUT", "/array/full/x/square", array.tobytes(), OCTETS)
    assert written.status_code == 200
    extended = "/array/full/x/square?offset=3,0,0&shape=1,2,2&extend=true"
    assert api.send("PATCH", extended, array[:1].tobytes(), OCTETS).status_code == 200
    found = api.read("/array/full/x/square", "f8").reshape(4, 2, 2)
    np.testing.assert_array_equal(found, [*array, array[0]])
    document = api.json("/metadata/x/square")
    assert document["data"]["attributes"]["structure"]["dims"] == ["time", "y", "y"]
    headers = {"authorization": f"Apikey {api.key}"}
    zarr = orjson.loads(Client().get("/zarr/v3/x/square/zarr.json", headers=headers).content)
    assert zarr["dimension_names"] == ["time", "y", None]
    refused = api.get("/container/full/x?format=nc")
    assert (refused.status_code, "square has a dimension twice: time, y, y" in detail(refused)) == (
        406,
        True,
    )


def test_a_large_array_goes_into_the_file_piece_by_piece(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.formats.hdf5 import files as exporter
    from catalog.storage.selection_chunks import split_shape

    monkeypatch.setattr(exporter, "split_shape", lambda *shape: split_shape(*shape, max_bytes=100))
    array = np.arange(210.0).reshape(5, 6, 7)
    api.container("c")
    api.array("c/a", array)
    np.testing.assert_array_equal(hdf5(api, "/container/full/c")["a"][:], array)


def test_an_export_has_only_nodes_that_the_principal_can_see(transactional_db: None) -> None:
    with people() as site:
        make(site.alice, "c", ["mx"])
        make(site.alice, "c/seen", ["mx"], "array")
        make(site.root, "c/hidden", None, "array")
        make(site.alice, "c/own")
        for who, keys in (
            (site.root, {"seen", "hidden", "own"}),
            (site.alice, {"seen", "own"}),
            (site.carol, {"seen"}),
        ):
            assert set(hdf5(who, "/container/full/c")) == keys
            outline = orjson.loads(content(who, "/container/full/c?format=json"))
            assert set(outline["contents"]) == keys
            headers = {"authorization": f"Apikey {who.key}"}
            listed = orjson.loads(Client().get("/zarr/v3/c", headers=headers).content)
            assert {address.rpartition("/")[2] for address in listed} == keys
        missing, hidden = (
            site.carol.get(f"/container/full/c?field={name}") for name in ("none", "hidden")
        )
        assert (missing.status_code, hidden.status_code) == (404, 404)
        assert detail(hidden) == detail(missing).replace("none", "hidden")
