"""Odd files that real libraries write: read back as these read them, or refused in a sentence."""

from __future__ import annotations

import datetime
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tifffile
import zarr
from PIL import Image

from catalog.storage.errors import StorageError
from catalog.storage.external.conversion import convert
from catalog.storage.external.error_translation import translate_errors
from catalog.storage.external.local_trees import open_local_tree
from catalog.storage.external.registry import format_of, inspected_by, mimetype_of
from catalog.storage.external.rows import FilePartition, iter_file_rows
from catalog.storage.external.sources import Sources
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 255, (16, 32, 3), "u1")
Make = Callable[[Path], object]


def sources(path: Path) -> tuple[Sources, str]:
    os.utime(path, (0, 0))
    return Sources((path,), {}, (path.parent,)), mimetype_of(path) or ""


def array(path: Path, *items: Any) -> Any:
    """What is read of the array in a file, as it is registered."""
    found, mimetype = sources(path)
    reader, inspect = format_of(mimetype, StructureFamily.array).read_array, inspected_by(mimetype)
    assert reader is not None
    assert inspect.inspect is not None
    with translate_errors(path):
        structure = inspect.inspect(found, mimetype).structure
        assert isinstance(structure, ArrayStructure)
        given = convert(reader(found, structure, items), structure.dtype)
    assert given.dtype == structure.dtype
    assert structure.dims is None
    return given


def table(path: Path) -> pa.Table:
    """The rows of a file, as it is registered."""
    found, mimetype = sources(path)
    opener, inspect = format_of(mimetype, StructureFamily.table).open_table, inspected_by(mimetype)
    assert opener is not None
    assert inspect.inspect is not None
    with translate_errors(path):
        structure = inspect.inspect(found, mimetype).structure
        assert isinstance(structure, TableStructure)
        schema = structure.schema()
        partition = FilePartition(path, opener(path, schema, {}), schema)
        return pa.concat_tables(iter_file_rows([partition], structure.columns, slice(0, None)))


def npy(values: Any, version: tuple[int, int] | None = None) -> Make:
    def make(path: Path) -> None:
        with path.open("wb") as file:
            np.lib.format.write_array(file, np.asanyarray(values), version)

    return make


def tiff(values: Any, **options: Any) -> Make:
    return lambda path: tifffile.imwrite(path, values, **options)


def pages(*shapes: tuple[int, int]) -> Make:
    def make(path: Path) -> None:
        for number, shape in enumerate(shapes):
            page = np.full(shape, number, "u2")
            tifffile.imwrite(path, page, append=number > 0, metadata=None)

    return make


def pyramid(path: Path) -> None:
    with tifffile.TiffWriter(path) as file:
        file.write(PIXELS[..., 0], subifds=1, tile=(16, 16))
        file.write(PIXELS[::2, ::2, 0], subfiletype=1, tile=(16, 16))


def picture(mode: str, **options: Any) -> Make:
    return lambda path: Image.fromarray(PIXELS).convert(mode).save(path, **options)


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(PIXELS).save(path, exif=exif)


def zarray(version: Any, dtype: Any, fill: Any, values: Any = None, **options: Any) -> Make:
    def make(path: Path) -> None:
        made = zarr.create_array(
            path,
            shape=(5,),
            chunks=(2,),
            dtype=dtype,
            fill_value=fill,
            zarr_format=version,
            **options,
        )
        if values is not None:
            made[: len(values)] = np.array(values, made.dtype)

    return make


def edited(make: Make, **members: Any) -> Make:
    def edit(path: Path) -> None:
        make(path)
        document = next(one for one in (path / ".zarray", path / "zarr.json") if one.exists())
        document.write_text(json.dumps(json.loads(document.read_text()) | members))

    return edit


def loaded(path: Path) -> Any:
    match path.suffix:
        case ".npy":
            return np.load(path)
        case ".tif":
            return tifffile.imread(path)
        case ".jpg":
            return np.asarray(Image.open(path))
    return zarr.open_array(path, mode="r")[...]


ARRAYS: dict[str, Make] = {
    "version 3.npy": npy(np.array([(1, 2.0), (3, 4.0)], [("ä", "i4"), ("b", "f8")]), (3, 0)),
    "fortran.npy": npy(np.asfortranarray(np.arange(24.0).reshape(2, 3, 4))),
    "swapped texts.npy": npy(np.array(["bcde", "ä"], ">U4")),
    "text.npy": npy(np.array("abc")),
    "units.npy": npy(np.array([1, 2], "m8[25s]")),
    "other page.tif": pages((3, 4), (5, 6), (3, 4)),
    "tiles.tif": tiff(RNG.integers(0, 999, (3, 50, 70), "u2"), tile=(32, 48), compression="zlib"),
    "palette.tif": tiff(
        PIXELS[..., 0], photometric="palette", colormap=RNG.integers(0, 65535, (3, 256), "u2")
    ),
    "planes.tif": tiff(
        PIXELS.T.copy(), photometric="rgb", planarconfig="separate", compression="zlib"
    ),
    "halves.tif": tiff(RNG.random((10, 12)).astype("f2"), compression="zlib", predictor=True),
    "big.tif": tiff(PIXELS[..., 0].astype("i8"), bigtiff=True, byteorder=">"),
    "bits.tif": lambda path: Image.fromarray(PIXELS[..., 0] > 99).save(path, compression="group4"),
    "pyramid.tif": pyramid,
    "grey.jpg": picture("L"),
    "cmyk.jpg": picture("CMYK"),
    "progressive.jpg": picture("RGB", progressive=True),
    "turned.jpg": turned,
    "nan.zarr": zarray(2, "f8", float("nan"), [1.0]),
    "null.zarr": edited(zarray(2, "i4", 0, [1]), fill_value=None),
    "hex.zarr": edited(zarray(3, "f8", 0, [1]), fill_value="0x7ff8000000000001"),
    "complex.zarr": zarray(3, "c8", complex(1, float("inf")), [1j]),
    "swapped.zarr": zarray(2, ">U5", "x", ["hello"]),
    "records.zarr": zarray(3, [("a", "i4"), ("b", "f8")], None, [(1, 2.0)]),
    "slashes.zarr": zarray(
        2, "i4", 7, [1], chunk_key_encoding={"name": "v2", "separator": "/"}, order="F"
    ),
    "shards.zarr": zarray(3, "i4", 7, [1], shards=(4,)),
    "same dims.zarr": lambda path: zarr.create_array(
        path, data=np.eye(2), dimension_names=["x", "x"]
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_is_what_its_library_reads(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    ARRAYS[name](path)
    expected = np.asarray(loaded(path))
    whole = array(path)
    assert whole.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(whole, expected)
    if expected.size and expected.ndim:
        np.testing.assert_array_equal(array(path, -1), expected[-1])
        np.testing.assert_array_equal(array(path, slice(None, None, -2)), expected[::-2])


def cut(make: Make, size: int) -> Make:
    def shorten(path: Path) -> None:
        make(path)
        path.write_bytes(path.read_bytes()[:size])

    return shorten


def header(text: str) -> Make:
    padded = text.ljust(117).encode() + b"\n"
    return lambda path: path.write_bytes(b"\x93NUMPY\x01\0\x76\0" + padded + bytes(64))


def texts(path: Path) -> None:
    made = zarr.create_array(path, shape=(2,), dtype=str, zarr_format=3)
    made[0] = "a\0"


def far(path: Path) -> None:
    times = pa.array([datetime.datetime.fromisoformat("3020-01-01"), None], pa.timestamp("us"))
    pq.write_table(pa.table({"t": times}), path, use_deprecated_int96_timestamps=True)


def archive(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=np.arange(3))


REFUSED: dict[str, tuple[Make, str]] = {
    "objects.npy": (npy(np.array([1, None], object)), "object"),
    "cut.npy": (cut(npy(np.arange(99)), 500), "file size"),
    "negative.npy": (
        header("{'descr': '<i4', 'fortran_order': False, 'shape': (-4,), }"),
        "negative",
    ),
    "archive.npy": (archive, "is an archive"),
    "nothing.tif": (lambda path: path.write_bytes(b"II*\0" + bytes(4)), "no pages"),
    "cut.tif": (cut(tiff(PIXELS), 999), "is truncated"),
    "cut.jpg": (cut(picture("RGB"), 700), "truncated"),
    "codec.zarr": (edited(zarray(2, "i4", 0), compressor={"id": "nonsense"}), "nonsense"),
    "fill.zarr": (edited(zarray(3, "u1", 0), fill_value=300), "300"),
    "texts.zarr": (texts, "end with NUL"),
    "far.parquet": (far, "INT96"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_given_as_it_is_is_refused(tmp_path: Path, name: str) -> None:
    make, reason = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(StorageError, match=reason):
        (table if name.endswith(".parquet") else array)(tmp_path / name)


def test_old_times_of_parquet_files_are_read(tmp_path: Path) -> None:
    stored = pa.table({"t": pa.array([1, -1, None, 2**62], pa.timestamp("ns")), "n": [1, 2, 3, 4]})
    pq.write_table(stored, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    assert table(tmp_path / "a.parquet").equals(stored)


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["a", "b"], [1, "#N/A"], [2, "=A2"]):
        sheet.append(row)
    sheet.merge_cells("A4:B5")
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["x"])
    book.create_sheet("lost").append(["y"])
    book.create_sheet("empty")
    # openpyxl writes a chart without a drawing, and cannot read it.
    book.create_chartsheet("chart")
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(path, "w") as part:
        for name in whole.namelist():
            if not name.endswith("sheet3.xml"):
                part.writestr(name, whole.read(name))


def test_a_workbook_is_read_beside_charts_and_sheets_that_are_lost(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx")
    found, mimetype = sources(tmp_path / "a.xlsx")
    with open_local_tree(mimetype, found) as tree:
        assert tree.names([]) == ["Sheet", "hidden", "lost", "empty"]
        (rows,) = tree.read_table(["Sheet"], ["a", "b"], slice(None))
        assert rows.to_pydict() == {"a": [1, 2], "b": [None, None]}
        assert tree.entry(["empty"]).structure is not None
        with pytest.raises(StorageError, match="no data for the sheet 'lost'"):
            tree.entry(["lost"])
