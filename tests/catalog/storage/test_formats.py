"""Each format of external files, written by its own library, read back by region."""

from __future__ import annotations

import datetime
import os
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import numpy.typing as npt
import openpyxl
import pandas
import pyarrow as pa
import pyarrow.parquet
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.storage import external, files
from catalog.storage.errors import (
    MissingFile,
    NotReady,
    OutsideReadable,
    StorageError,
    Unreadable,
    Unsupported,
)
from catalog.storage.external.conversion import convert
from catalog.storage.external.datasets import read_datasets
from catalog.storage.external.npy import open_npy
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

from . import strategies

HDF5, ZARR = "application/x-hdf5", "application/x-zarr"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FAR = datetime.datetime.fromisoformat("3020-01-01")
FRAMES = np.arange(120, dtype="u2").reshape(6, 4, 5)
Array = npt.NDArray[Any]


def read(
    mimetype: str,
    paths: Path | list[Path],
    like: Array,
    *items: Any,
    **parameters: Any,
) -> Array:
    paths = paths if isinstance(paths, list) else [paths]
    assets = [Asset(files.file_uri(p), p.is_dir(), num=n) for n, p in enumerate(paths)]
    structure = ArrayStructure.from_array(like)
    folder = paths[0].parent
    return external.read_array(mimetype, assets, parameters, structure, items, readable=[folder])


def hdf5(path: Path, data: Any, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("/entry/data", data=data, **options)
    return long_ago(path)


def long_ago(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


class InMemory:
    """A dataset that only answers what it is asked for."""

    path = Path("/nowhere")

    def __init__(self, array: Array) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def region(self, region: tuple[slice, ...]) -> Array:
        assert all(part.step > 0 and part.start >= 0 for part in region)
        return self.array[region]


@given(data=st.data())
def test_datasets_are_one_array_of_the_declared_shape(data: st.DataObject) -> None:
    rest = data.draw(st.lists(st.integers(1, 4), max_size=2))
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    parts = [np.random.default_rng(n).integers(99, size=(n, *rest)) for n in lengths]
    joined = np.concatenate(parts)
    kept = data.draw(st.integers(1, len(joined)))
    fold = data.draw(st.sampled_from([n for n in range(1, kept + 1) if kept % n == 0]))
    ones = data.draw(st.integers(0, 2))
    declared = joined[:kept].reshape((kept // fold, *(1,) * ones, fold, *rest))
    items = data.draw(strategies.selections(declared.shape))
    if not declared[items].size:
        return
    structure = ArrayStructure.from_array(declared)
    found = read_datasets([InMemory(part) for part in parts], structure, items)
    np.testing.assert_array_equal(found, declared[items])


def test_only_the_part_of_a_dataset_that_was_selected_counts() -> None:
    array = np.arange(6 * 5 * 4).reshape(6, 5, 4)
    for selected, items in [((slice(None), 2), (1,)), ((slice(None, None, -2), slice(1, 3)), ())]:
        declared = array[selected]
        found = read_datasets(
            [InMemory(array)], ArrayStructure.from_array(declared), items, selected
        )
        np.testing.assert_array_equal(found, declared[items])


@pytest.mark.parametrize(
    "shape", [(6, 4, 5), (6, 1, 4, 5), (2, 3, 4, 5), (4, 4, 5), (120,), (5, 24)]
)
def test_hdf5_is_reshaped_and_cut_to_what_was_declared(tmp_path: Path, shape: Any) -> None:
    options: dict[str, Any] = {"chunks": (2, 2, 5), **hdf5plugin.Bitshuffle()}
    path = hdf5(tmp_path / "a.h5", FRAMES, **options)
    declared = FRAMES.reshape(-1)[: np.prod(shape)].reshape(shape)
    for items in [(), (-1,), (slice(None, None, -2),)]:
        found = read(HDF5, path, declared, *items, dataset="/entry/data", swmr=True, locking=None)
        np.testing.assert_array_equal(found, declared[items])


def test_hdf5_files_are_joined_and_parts_of_them_selected(tmp_path: Path) -> None:
    paths = [hdf5(tmp_path / f"{n}.h5", part) for n, part in enumerate(np.split(FRAMES, [1, 4]))]
    found = read(HDF5, paths, FRAMES, slice(0, 5, 2), dataset=["entry", "data"])
    np.testing.assert_array_equal(found, FRAMES[0:5:2])
    for text in ("(:, 1:3, 0)", [":", "1:3", "0"], ":,1:3,0,..."):
        part = FRAMES[:, 1:3, 0]
        found = read(HDF5, paths, part, dataset="entry/data", slice=text, squeeze=True)
        np.testing.assert_array_equal(found, part)
    scalars = [hdf5(tmp_path / f"s{n}.h5", n) for n in range(3)]
    assert read(HDF5, scalars, np.arange(3), dataset="entry/data").tolist() == [0, 1, 2]


def test_a_file_that_grows_is_read_while_its_writer_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "swmr.h5"
    parameters = {"dataset": "entry/data", "swmr": True}
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("entry/data", (0, 4, 5), "u2", maxshape=(None, 4, 5))
        file.swmr_mode = True
        for count in (1, 3):
            data.resize(count, 0)
            data[:] = FRAMES[:count]
            data.flush()
            found = read(HDF5, path, FRAMES[:count], **parameters)
            np.testing.assert_array_equal(found, FRAMES[:count])
        with pytest.raises(NotReady):
            read(HDF5, path, FRAMES[:4], **parameters)
        long_ago(path)
        with pytest.raises(Unreadable, match="fewer elements than the declared"):
            read(HDF5, path, FRAMES[:4], **parameters)


def test_values_that_numpy_has_no_dtype_for_are_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["text"] = ["abc", "é"]
        file["number"] = np.arange(3)
        file["target"] = np.array([file["number"].ref], h5py.ref_dtype)
        lists = file.create_dataset("lists", (2,), h5py.vlen_dtype("i4"))
        lists[0], lists[1] = [1, 2], [3]
        file.create_dataset("state", data=[1, 0], dtype=h5py.enum_dtype({"ON": 1, "OFF": 0}))
        kind = np.dtype([("name", h5py.string_dtype()), ("at", "f4", (2,))])
        file["records"] = np.array([("ab", [1, 2])], kind)
    long_ago(path)
    expected = {
        "text": np.array([b"abc", "é".encode()]),
        "target": np.array([b"/number"]),
        "lists": np.array([b"[1,2]", b"[3]"]),
        "state": np.array([1, 0], "i1"),
        "records": np.array([(b"ab", [1, 2])], [("name", "S2"), ("at", "f4", (2,))]),
    }
    for name, declared in expected.items():
        np.testing.assert_array_equal(read(HDF5, path, declared, dataset=name), declared)
    assert read(HDF5, path, np.array(["abc", "é"]), dataset="text").tolist() == ["abc", "é"]


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["u2", ">f8", "c8", "M8[ms]", "<U3", "S4", "?"])
def test_zarr_arrays_of_both_versions_are_read(tmp_path: Path, version: Any, dtype: str) -> None:
    data = FRAMES.astype(dtype)
    folder = tmp_path / "a.zarr"
    zarr.create_array(folder, data=data, chunks=(4, 2, 5), zarr_format=version)
    np.testing.assert_array_equal(read(ZARR, folder, data, slice(1, 6, 3)), data[1:6:3])
    found = external.inspect([folder], readable=[tmp_path]).structure
    assert isinstance(found, ArrayStructure)
    assert (found.shape, found.chunks) == (data.shape, ((4, 2), (2, 2), (5,)))
    # The third version has the byte order among the codecs.
    assert found.dtype.newbyteorder("=") == data.dtype.newbyteorder("=")


def test_a_codec_that_runs_programs_is_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "a.zarr"
    zarr.create_array(folder, data=FRAMES, zarr_format=2)
    text = (
        (folder / ".zarray").read_text().replace('"filters": null', '"filters": [{"id": "pickle"}]')
    )
    assert "pickle" in text
    (folder / ".zarray").write_text(text)
    long_ago(folder)
    with pytest.raises(Unreadable, match="is not allowed"):
        read(ZARR, folder, FRAMES)


def test_jpeg_pictures_are_stacked(tmp_path: Path) -> None:
    smooth = np.tile(np.arange(0, 160, 5, dtype="u1"), (16, 1))
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.jpg")
        Image.fromarray(smooth + number).save(paths[-1], quality=95)
    declared = np.stack([smooth + number for number in range(3)])
    found = read("multipart/related;type=image/jpeg", paths, declared, slice(1, None))
    assert np.abs(found.astype(int) - declared[1:]).max() <= 3
    Image.fromarray(np.zeros((4, 6, 3), "u1")).save(tmp_path / "rgb.jpeg")
    inspected = external.inspect([tmp_path / "rgb.jpeg"], readable=[tmp_path])
    assert inspected.structure is not None
    assert inspected.structure.shape == (4, 6, 3)  # type: ignore[union-attr]


def test_lines_of_csv_files_are_rows_of_an_array(tmp_path: Path) -> None:
    kind, array = "text/csv;header=absent", np.arange(12.0).reshape(6, 2)
    paths = [tmp_path / "0.csv", tmp_path / "1.csv"]
    for path, part in zip(paths, np.split(array, [4]), strict=True):
        np.savetxt(path, part, delimiter=";")
        long_ago(path)
    found = read(kind, paths, array, slice(3, 6, 2), slice(1, 2), header=None, sep=";")
    np.testing.assert_array_equal(found, array[3:6:2, 1:2])
    np.testing.assert_array_equal(
        read(kind, paths, array.reshape(6, 1, 2), sep=";"), array[:, None]
    )
    chosen = array[1:4, ::-1]
    parameters: dict[str, Any] = {"sep": ";", "skiprows": 1, "nrows": 3, "usecols": [1, 0]}
    np.testing.assert_array_equal(read(kind, paths[:1], chosen, **parameters), chosen)
    named = tmp_path / "named.csv"
    np.savetxt(named, array, delimiter=";", header="x;y", comments="")
    parameters = {"sep": ";", "header": 0, "usecols": ["y"]}
    np.testing.assert_array_equal(read(kind, named, array[:, 1:], **parameters), array[:, 1:])
    with pytest.raises(Unsupported, match=r"usecols=.* does not select"):
        read(kind, named, array, sep=";", header=0, usecols=["z"])
    records = tmp_path / "records.csv"
    records.write_text("1,ab\n2,c\n")
    declared = np.array([(1, "ab"), (2, "c")], [("n", "i8"), ("s", "U2")])
    assert read(kind, records, declared[:, None], 1, 0).tolist() == (2, "c")
    with pytest.raises(Unsupported, match="comments"):
        read(kind, paths, array, comment="#")


def test_values_are_converted_where_none_is_lost() -> None:
    assert convert(np.array([1, 2], ">i8"), np.dtype("<i2")).tolist() == [1, 2]
    assert convert(np.array([1, 2], "u2"), np.dtype("f4")).dtype == "f4"
    assert convert(np.array([b"\xc3\xa9"]), np.dtype("U2")).tolist() == ["é"]
    assert convert(np.array([np.inf, np.nan, 0.1]), np.dtype("f4"))[2] == np.float32(0.1)
    assert convert(np.array([2**53, -(2**62)]), np.dtype("f8")).tolist() == [2**53, -(2**62)]
    days = np.array(["2000-01-01", "NaT"], "M8[D]")
    np.testing.assert_array_equal(convert(days, np.dtype("M8[ns]")), days)
    for array, dtype in [
        (np.array([300]), "i1"),
        (np.array([1.5]), "i8"),
        (np.array(["abc"]), "U2"),
        (np.array(["1"]), "f8"),
        (np.array([1e300, np.inf]), "f4"),
        (np.array([1e300j]), "c8"),
        (np.array([complex("nan+1e300j")]), "c8"),
        (np.array([70_000]), "f2"),
        (np.array([2**53 + 1]), "f8"),
        (np.array([2**63 - 1]), "f8"),
        (np.array([2**64 - 1], "u8"), "c16"),
        (np.array(["3000-01-01"], "M8[s]"), "M8[ns]"),
        (np.array(["2000-01-01T01"], "M8[h]"), "M8[D]"),
        (np.array([(1, 1e300)], "i8,f8"), "i4,f4"),
    ]:
        with pytest.raises(Unreadable, match="declared"):
            convert(array, np.dtype(dtype))


def test_a_part_of_a_complex_number_that_is_none_stays_so() -> None:
    given = np.array([complex("nan+1j"), complex("inf+nanj")])
    np.testing.assert_array_equal(convert(given, np.dtype("c8")), given)


def test_a_sheet_of_charts_without_a_drawing_is_left_out(tmp_path: Path) -> None:
    whole, path, book = tmp_path / "whole.xlsx", tmp_path / "charts.xlsx", openpyxl.Workbook()
    book.create_chartsheet("chart", 0)
    book.active = 1
    book.active.append(["x"])
    book.active.append([1])
    book.save(whole)
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            if not name.startswith("xl/chartsheets/_rels"):
                after.writestr(name, before.read(name))
    long_ago(path)
    asset = Asset(files.file_uri(path), False)
    with external.open_tree(XLSX, [asset], {}, readable=[tmp_path]) as tree:
        assert tree.names([]) == ["Sheet"]
        (rows,) = tree.read_table(["Sheet"], ["x"], slice(None))
        assert rows.to_pydict() == {"x": [1]}


def test_of_a_dataset_that_is_shorter_than_declared_what_is_there_is_read(tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(12).reshape(4, 3)
    long_ago(path)
    declared = np.zeros((6, 3), "i8")
    assert read(HDF5, path, declared, slice(2, 4), dataset="x").tolist() == [[6, 7, 8], [9, 10, 11]]
    assert read(HDF5, path, declared, 3, dataset="x").tolist() == [9, 10, 11]
    with pytest.raises(Unreadable, match=r"\[4, 3\] have fewer elements than .* \[6, 3\]"):
        read(HDF5, path, declared, slice(3, 5), dataset="x")
    os.utime(path)
    with pytest.raises(NotReady):
        read(HDF5, path, declared, slice(3, 5), dataset="x")
    with pytest.raises(Unreadable, match="do not match"):  # no more frames would mend that
        read(HDF5, path, np.zeros((2, 4), "i8"), dataset="x")


def test_a_file_says_what_it_should_be_registered_as(tmp_path: Path) -> None:
    def look(name: str, *more: str, mimetype: str | None = None) -> Any:
        paths = [tmp_path / one for one in (name, *more)]
        return external.inspect(paths, mimetype, readable=[tmp_path])

    np.save(tmp_path / "a.npy", FRAMES)
    tifffile.imwrite(tmp_path / "0.tif", FRAMES[0])
    hdf5(tmp_path / "a.nxs", FRAMES)
    rows = pa.table({"x": [1, 2, 3], "s": list("abc")})
    pa.parquet.write_table(rows, tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text('x,s,empty\n1,a,\n2,"b\nb",\n')
    assert look("a.npy").structure.shape == (6, 4, 5)
    sequence = external.sequence_mimetype("image/tiff")
    assert look("0.tif", mimetype=sequence).structure.chunks == ((1,), (4,), (5,))
    assert look("0.tif", "0.tif", mimetype=sequence).structure.shape == (2, 4, 5)
    assert (look("a.nxs").family, look("a.nxs").mimetype) == (StructureFamily.container, HDF5)
    found = look("a.parquet")
    assert (found.structure.columns, found.rows, found.family) == (("x", "s"), 3, "table")
    found = look("a.csv")
    assert found.structure.schema().types == [pa.int64(), pa.string(), pa.string()]
    assert found.rows == 2
    with pytest.raises(Unsupported):
        look("a.unknown")
    with pytest.raises(MissingFile):
        look("b.npy")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for mimetype in (HDF5, "image/tiff", "application/x-npy", "image/jpeg", ZARR):
        with pytest.raises(Unreadable):
            read(mimetype, pipe, FRAMES, dataset="entry/data")


def test_a_file_that_becomes_a_link_while_it_is_read_is_not_given_away(tmp_path: Path) -> None:
    inside, secret = tmp_path / "inside", tmp_path / "secret.npy"
    inside.mkdir()
    np.save(secret, FRAMES)
    np.save(inside / "a.npy", FRAMES)

    def swapping(path: Path) -> external.FrameFile:
        path.unlink()
        path.symlink_to(secret)
        return open_npy(path)

    sources = external.Sources((inside / "a.npy",), {}, (inside,))
    with pytest.raises(OutsideReadable):
        external.frames_reader(swapping)(sources, ArrayStructure.from_array(FRAMES), ())


def write_zarr(path: Path) -> None:
    zarr.create_array(path, data=FRAMES, chunks=(2, 4, 5))


def write_jpeg(path: Path) -> None:
    Image.fromarray(FRAMES[0].astype("u1")).save(path, "JPEG")


def write_xlsx(path: Path) -> None:
    with path.open("wb") as file:
        pandas.DataFrame({"x": [1, 2]}).to_excel(file, index=False)


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "hdf5": (HDF5, lambda p: hdf5(p, FRAMES, chunks=(2, 4, 5), compression="gzip")),
    "zarr": (ZARR, write_zarr),
    "jpeg": ("image/jpeg", write_jpeg),
    "tiff": ("image/tiff", lambda p: tifffile.imwrite(p, FRAMES, compression="lzw")),
    "npy": ("application/x-npy", lambda p: np.save(p, FRAMES)),
    "csv": ("text/csv;header=absent", lambda p: np.savetxt(p, FRAMES[0], delimiter=",")),
    "xlsx": (XLSX, write_xlsx),
}


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """Cut off somewhere, or with some bits turned."""
    if chance.random() < 0.3:
        return data[: chance.randrange(len(data))]
    found = bytearray(data)
    for _ in range(chance.choice([1, 3, 30])):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def walk(tree: external.Tree, keys: list[str]) -> None:
    for name in tree.names(keys):
        try:
            entry = tree.entry([*keys, name])
            if isinstance(entry.structure, ArrayStructure) and 0 < entry.structure.nbytes < 1e8:
                tree.read_array([*keys, name], entry.structure, ())
            elif entry.family is StructureFamily.table:
                list(tree.read_table([*keys, name], entry.structure.columns, slice(None)))  # type: ignore[union-attr]
        except StorageError:
            continue
        if entry.family is StructureFamily.container and len(keys) < 3:
            walk(tree, [*keys, name])


@pytest.mark.parametrize("kind", sorted(WRITERS))
def test_a_damaged_file_raises_an_error_with_a_sentence(tmp_path: Path, kind: str) -> None:
    mimetype, write = WRITERS[kind]
    path = tmp_path / f"a.{kind}"
    write(path)
    parts = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    whole = {part: part.read_bytes() for part in parts}
    chance = random.Random(7)
    end = time.monotonic() + 0.25
    rounds = 0
    while time.monotonic() < end or rounds < 10:
        rounds += 1
        part = chance.choice(parts)
        part.write_bytes(spoiled(whole[part], chance))
        long_ago(part)
        asset = Asset(files.file_uri(path), path.is_dir())
        try:
            if kind != "xlsx":
                read(mimetype, path, FRAMES, dataset="entry/data")
        except StorageError as error:
            assert str(error).strip()
        try:
            with external.open_tree(mimetype, [asset], {}, readable=[tmp_path]) as tree:
                walk(tree, [])
        except StorageError as error:
            assert str(error).strip()
        part.write_bytes(whole[part])


def test_missing_sources_of_a_virtual_dataset_are_named_until_they_are_there(
    tmp_path: Path,
) -> None:
    layout = h5py.VirtualLayout((4,), "i8")
    for number in range(2):
        layout[2 * number : 2 * number + 2] = h5py.VirtualSource(f"{number}.h5", "x", (2,))
    path = tmp_path / "all.h5"
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout, fillvalue=-1)
    found = []
    for number in range(2):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["x"] = [number, number]
        with external.open_tree(
            HDF5, [Asset(files.file_uri(path), False)], {}, readable=[tmp_path]
        ) as tree:
            entry = tree.entry(["x"])
            assert isinstance(entry.structure, ArrayStructure)
            numbers = tree.read_array(["x"], entry.structure, ()).tolist()
            found.append((entry.metadata.get("missing_sources"), numbers))
    assert found == [(["1.h5:x"], [0, 0, -1, -1]), (None, [0, 0, 1, 1])]


def test_cells_of_a_workbook_are_what_it_says(tmp_path: Path) -> None:
    path, book = tmp_path / "lab.xlsx", openpyxl.Workbook()
    rows = [
        ["element", "sample", "n", "_x", "x", "mixed", "when", None],
        ["NA", "007", 1, 0.5, None, 1, FAR, "null"],
        ["None", "", None, 2, None, "a", None, "=1/0"],
    ]
    for row in rows:
        book.active.append(row)
    book.create_sheet("empty")
    book.save(path)
    long_ago(path)
    with external.open_tree(
        XLSX, [Asset(files.file_uri(path), False)], {}, readable=[tmp_path]
    ) as tree:
        (table,) = tree.read_table(["Sheet"], tree_columns(tree, "Sheet"), slice(None))
        assert tree_columns(tree, "empty") == []
    assert table.to_pydict() == {
        "element": ["NA", "None"],
        "sample": ["007", None],
        "n": [1, None],
        "x": [0.5, 2],
        "x.1": [None, None],
        "mixed": ["1", "a"],
        "when": [FAR, None],
        "Unnamed: 7": ["null", None],
    }


def tree_columns(tree: external.Tree, sheet: str) -> list[str]:
    structure = tree.entry([sheet]).structure
    assert isinstance(structure, TableStructure)
    return list(structure.columns)
