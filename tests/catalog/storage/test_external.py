"""Files of others: read as declared, from the readable folders only, one by one as needed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from catalog.storage import external, files
from catalog.storage.errors import (
    MissingFile,
    NotReady,
    OutsideReadable,
    StorageError,
    Unreadable,
    Unsupported,
)
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.structures import ArrayStructure

FRAMES = np.arange(6 * 4 * 5, dtype="u2").reshape(6, 4, 5)
Writer = Callable[[Path, np.ndarray[Any, Any]], None]


def write_npy(path: Path, array: np.ndarray[Any, Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def write_npy_in_fortran_order(path: Path, array: np.ndarray[Any, Any]) -> None:
    write_npy(path, np.asfortranarray(array))


def write_tiff(path: Path, array: np.ndarray[Any, Any]) -> None:
    tifffile.imwrite(path, array, photometric="minisblack")


def write_compressed(path: Path, array: np.ndarray[Any, Any]) -> None:
    tifffile.imwrite(path, array, compression="zlib", photometric="minisblack")


def write_page_by_page(path: Path, array: np.ndarray[Any, Any]) -> None:
    with tifffile.TiffWriter(path) as writer:
        for page in array.reshape(-1, *array.shape[-2:]):
            writer.write(page, compression="lzw", photometric="minisblack")


def write_big_endian(path: Path, array: np.ndarray[Any, Any]) -> None:
    tifffile.imwrite(path, array, byteorder=">", photometric="minisblack")


FORMATS: list[tuple[str, Writer]] = [
    ("image/tiff", write_tiff),
    ("image/tiff", write_compressed),
    ("image/tiff", write_big_endian),
    ("image/tiff", write_page_by_page),
    ("application/x-npy", write_npy),
    ("application/x-npy", write_npy_in_fortran_order),
]


def place(
    folder: Path, write: Writer, parts: list[np.ndarray[Any, Any]], age: int = 60
) -> list[Asset]:
    """Files of `parts`, last written `age` seconds ago, as assets out of order."""
    assets = []
    for num, part in enumerate(parts):
        path = folder / f"frame {num}.dat"
        write(path, part)
        os.utime(path, (time.time() - age,) * 2)
        assets.append(Asset(files.file_uri(path), is_directory=False, num=num))
    return assets[::-1]


def read(mimetype: str, assets: list[Asset], shape: tuple[int, ...], *items: Any) -> Any:
    structure = ArrayStructure.from_array(np.zeros(shape, FRAMES.dtype))
    folder = files.uri_path(assets[0].data_uri).parent
    return external.read_array(mimetype, assets, {}, structure, items, readable=[folder])


@pytest.mark.parametrize(("mimetype", "write"), FORMATS)
@pytest.mark.parametrize("shape", [(6, 4, 5), (6, 1, 4, 5), (4, 4, 5), (1, 6, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize("per_file", [1, 2, 6])
def test_files_are_reshaped_and_cut_to_what_was_declared(
    tmp_path: Path, mimetype: str, write: Writer, shape: tuple[int, ...], per_file: int
) -> None:
    parts = np.split(FRAMES, 6 // per_file)
    assets = place(tmp_path, write, parts)
    mimetype = mimetype if len(parts) == 1 else f"multipart/related;type={mimetype}"
    expected = FRAMES.reshape(-1)[: np.prod(shape)].reshape(shape)
    for items in [
        (),
        (0,),
        (
            -1,
            ...,
        ),
        (slice(None, None, -2),),
        (slice(1, 3), 0, slice(1, 2)),
    ]:
        plain = tuple(item for item in items if item is not ...)
        found = read(mimetype, assets, shape, *plain)
        np.testing.assert_array_equal(found, expected[items])
        assert found.dtype == FRAMES.dtype
        assert found.dtype.isnative
        assert found.flags.c_contiguous


def test_only_the_files_that_a_slice_needs_are_opened(tmp_path: Path) -> None:
    assets = place(tmp_path, write_tiff, [*FRAMES])
    for num in (1, 2, 4):
        (tmp_path / f"frame {num}.dat").unlink()
    kind = "multipart/related;type=image/tiff"
    np.testing.assert_array_equal(read(kind, assets, (6, 4, 5), slice(3, 6, 2)), FRAMES[3:6:2])
    with pytest.raises(MissingFile, match="frame 4"):
        read(kind, assets, (6, 4, 5), slice(3, 6))


@pytest.mark.parametrize(("age", "error"), [(0, NotReady), (60, Unreadable)])
def test_a_file_that_is_behind_the_declared_shape_is_waited_for_while_it_changes(
    tmp_path: Path, age: int, error: type[StorageError]
) -> None:
    assets = place(tmp_path, write_tiff, [FRAMES], age)
    np.testing.assert_array_equal(read("image/tiff", assets, (9, 4, 5), 5), FRAMES[5])
    with pytest.raises(error, match=r"\[6, 4, 5\].*\[9, 4, 5\]"):
        read("image/tiff", assets, (9, 4, 5))


@pytest.mark.parametrize(("age", "error"), [(0, NotReady), (60, Unreadable)])
@pytest.mark.parametrize(("mimetype", "write"), FORMATS)
def test_half_a_file_is_waited_for_while_it_changes(
    tmp_path: Path, mimetype: str, write: Writer, age: int, error: type[StorageError]
) -> None:
    assets = place(tmp_path, write, [FRAMES])
    path = tmp_path / "frame 0.dat"
    for length in (0, 7, path.stat().st_size // 2):
        os.truncate(path, length)
        os.utime(path, (time.time() - age,) * 2)
        with pytest.raises(error):
            read(mimetype, assets, FRAMES.shape)


def test_a_file_with_other_content_than_declared_raises_an_error(tmp_path: Path) -> None:
    assets = place(tmp_path, write_tiff, [FRAMES])
    with pytest.raises(Unreadable, match=r"\[6, 4, 5\] do not match .* \[6, 5, 5\]"):
        read("image/tiff", assets, (6, 5, 5))
    structure = ArrayStructure.from_array(np.zeros((6, 4, 5), "M8[s]"))
    with pytest.raises(Unreadable, match="uint16, but datetime64"):
        external.read_array("image/tiff", assets, {}, structure, (), readable=[tmp_path])


def test_an_array_without_rows_needs_no_file(tmp_path: Path) -> None:
    structure = ArrayStructure.from_array(np.zeros((0, 1, 4, 5), "u2"))
    found = external.read_array("image/tiff", [], {}, structure, (), readable=[])
    assert found.shape == (0, 1, 4, 5)
    with pytest.raises(NotReady, match="No file is registered"):
        external.read_array("image/tiff", [], {}, structure.with_shape((1, 1, 4, 5)), readable=[])


def test_formats_that_cannot_be_read_are_refused() -> None:
    structure = ArrayStructure.from_array(np.zeros(3))
    with pytest.raises(Unsupported, match="text/plain"):
        external.read_array("text/plain", [], {}, structure, readable=[])


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)
    os.utime(path, (0, 0))
    assets = [Asset(files.file_uri(path), is_directory=False)]
    with pytest.raises(Unreadable):
        read("application/x-npy", assets, (1,))


def test_addresses_are_confined_to_the_readable_folders(tmp_path: Path) -> None:
    readable, other = tmp_path / "in side", tmp_path / "outside"
    for folder in (readable, other):
        folder.mkdir()
        (folder / "a.tif").touch()
    (readable / "sly.tif").symlink_to(other / "a.tif")
    (readable / "loop").symlink_to(readable / "loop")
    (tmp_path / "door").symlink_to(readable)

    assert (
        external.resolve_uri(files.file_uri(readable / "a.tif"), [readable]) == readable / "a.tif"
    )
    assert external.resolve_uri(f"file://{tmp_path}/in%20side/new.tif", [other, readable])
    assert external.resolve_uri(files.file_uri(tmp_path / "door/a.tif"), [readable])
    assert external.resolve_uri(files.file_uri(readable / "a.tif"), [tmp_path / "door"])
    for path in (
        "outside/a.tif",
        "in side/../outside/a.tif",
        "in side/sly.tif",
        "in sideways",
        ".",
    ):
        with pytest.raises(OutsideReadable, match="--read"):
            external.resolve_uri(files.file_uri(tmp_path / path), [readable])
    with pytest.raises(OutsideReadable):
        external.resolve_uri(f"file://localhost{readable}/%2e%2e/outside/a.tif", [readable])
    with pytest.raises(OutsideReadable):
        external.resolve_uri(files.file_uri(readable / "a.tif"), [])
    with pytest.raises(Unsupported):
        external.resolve_uri(files.file_uri(readable / "loop"), [readable])
