"""Containers in files of others, exported like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson

from ..api.test_embedded_nodes import HDF5, IMAGES, XLSX, folder, register, write_hdf5
from ..conftest import Api, detail
from .test_arrays import content, hdf5
from .test_tables import cells

__all__ = ["folder"]


def test_what_is_inside_a_file_is_exported_and_broken_links_say_so(api: Api, folder: Path) -> None:
    register(api, write_hdf5(folder / "a.h5"), HDF5)
    file = hdf5(api, "/container/full/f")
    assert file["entry"].attrs["NX_class"] == "NXentry"
    np.testing.assert_array_equal(file["entry/images"][:], IMAGES)
    assert "not_exported" in file["entry/broken"].attrs
    outline = orjson.loads(content(api, "/container/full/f/entry?format=json"))
    assert set(outline["contents"]) == {"images", "title", "link", "broken", "broken outside"}
    some = hdf5(api, "/container/full/f/entry?field=images")
    assert list(some) == ["images"]
    missing = api.get("/container/full/f/entry?field=none")
    assert (missing.status_code, "'none'" in detail(missing)) == (404, True)
    assert api.get("/array/full/f/entry/images?format=tiff&slice=0").status_code == 200
    assert list(hdf5(api, "/container/full/?field=f")) == ["f"]


def test_a_file_that_is_gone_does_not_keep_what_is_beside_it(api: Api, folder: Path) -> None:
    api.array("kept", np.ones(3))
    path = write_hdf5(folder / "a.h5")
    register(api, path, HDF5)
    path.unlink()
    file = hdf5(api, "/container/full/")
    assert "does not exist" in file["f"].attrs["not_exported"]
    assert file["kept"][:].tolist() == [1, 1, 1]
    outline = orjson.loads(content(api, "/container/full/?format=json"))
    assert (outline["contents"]["f"]["contents"], len(outline["contents"])) == ({}, 2)
    assert api.get("/container/full/f?format=json").status_code == 410


def test_a_sheet_of_a_workbook_is_exported_as_a_workbook(api: Api, folder: Path) -> None:
    import pandas

    path = folder / "book.xlsx"
    pandas.DataFrame({"x": [1, 2], "s": ["a", "b"]}).to_excel(path, sheet_name="one", index=False)
    register(api, path, XLSX)
    assert cells(content(api, "/table/full/f/one?format=xlsx")) == [["x", "s"], [1, "a"], [2, "b"]]
    assert hdf5(api, "/container/full/f")["one/x"][:].tolist() == [1, 2]
