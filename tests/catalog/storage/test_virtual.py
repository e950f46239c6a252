"""Virtual datasets and external storage of HDF5: read as the library does, which opens no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from catalog.storage.errors import OutsideReadable, StorageError, Unreadable
from catalog.storage.external.local_trees import open_local_tree
from catalog.storage.external.sources import Sources
from tiled_client.wire.slices import NDSlice

HDF5 = "application/x-hdf5"
UNLIMITED = h5py.h5s.UNLIMITED
Extent = tuple[int, ...]


def mapping(
    file: h5py.File,
    shape: Extent,
    maps: list[tuple[Any, str, str, Any]],
    *,
    kind: Any = "i8",
    most: Extent | None = None,
    fill: Any = None,
) -> None:
    """Make `v`: of each mapping a selection, the names of file and dataset, and its selection.

    A selection is `(shape, start, stride, count, block)`, or a shape for all of it.
    """
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_layout(h5py.h5d.VIRTUAL)
    for here, name, dataset, there in maps:
        options.set_virtual(selection(here), name.encode(), dataset.encode(), selection(there))
    kind = np.dtype(kind)
    if fill is not None:
        options.set_fill_value(np.array(fill, kind))
    space = h5py.h5s.create_simple(shape, most)
    h5py.h5d.create(file.id, b"v", h5py.h5t.py_create(kind, logical=True), space, options)


def selection(wanted: Any) -> Any:
    if isinstance(wanted[0], int):
        return h5py.h5s.create_simple(wanted)
    shape, start, stride, count, block = wanted
    space = h5py.h5s.create_simple(shape, (UNLIMITED,) * len(shape))
    space.select_hyperslab(start, count, stride, block)
    return space


def numbers(path: Path, name: str, *shape: int, start: int = 1, kind: Any = "i8") -> None:
    with h5py.File(path, "a") as file:
        values = np.arange(start, start + np.prod(shape)).reshape(shape).astype(kind)
        file.create_dataset(name, data=values, maxshape=(None,) * len(shape), chunks=True)


def some_rows(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "g/x", 4, 5)
    row = ((6, 5), (1, 0), (2, 1), (2, 1), (1, 5))
    mapping(
        file, (6, 5), [(row, "s.h5", "/g/x", ((4, 5), (1, 0), (1, 1), (1, 1), (2, 5)))], fill=-1
    )


def other_ranks(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "x", 2, 6)
    plane = ((2, 3, 4), (1, 0, 0), (1, 1, 1), (1, 1, 1), (1, 3, 4))
    mapping(file, (2, 3, 4), [(plane, "s.h5", "x", (2, 6))], fill=9)


def missing_ones(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "x", 2)
    maps = [
        (((6,), (2 * n,), (1,), (1,), (2,)), name, dataset, (2,))
        for n, (name, dataset) in enumerate([("s.h5", "x"), ("no.h5", "x"), ("s.h5", "no")])
    ]
    mapping(file, (6,), maps, fill=7)


def itself(folder: Path, file: h5py.File) -> None:
    file["100%"] = np.arange(3)
    mapping(file, (3,), [((3,), ".", "100%%", (3,))])


def growing(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "x", 7, 2)
    here = ((0, 2), (1, 0), (5, 1), (UNLIMITED, 1), (3, 2))
    there = ((0, 2), (1, 0), (3, 1), (UNLIMITED, 1), (2, 2))
    mapping(file, (0, 2), [(here, "s.h5", "x", there)], most=(UNLIMITED, 2), fill=-1)


def growing_side_by_side(folder: Path, file: h5py.File) -> None:
    maps = []
    for n, rows in enumerate((3, 5)):
        numbers(folder / f"{n}.h5", "x", rows, start=10 * n)
        here = ((0, 1), (n, 0), (2, 1), (UNLIMITED, 1), (1, 1))
        maps.append((here, f"{n}.h5", "x", ((0,), (0,), (1,), (UNLIMITED,), (1,))))
    mapping(file, (0, 1), maps, most=(UNLIMITED, 1), fill=-1)


def growing_that_is_not_there(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "x", 2)
    here = ((4,), (2,), (1,), (UNLIMITED,), (1,))
    maps = [
        (((4,), (0,), (1,), (1,), (2,)), "s.h5", "x", (2,)),
        (here, "no.h5", "x", ((0,), (0,), (1,), (UNLIMITED,), (1,))),
    ]
    mapping(file, (4,), maps, most=(UNLIMITED,), fill=-1)


def numbered_files(folder: Path, file: h5py.File) -> None:
    for n in (0, 1, 2, 4):
        numbers(folder / f"part {n}%.h5", f"x{n}", 2, start=10 * n)
    here = ((0,), (1,), (3,), (UNLIMITED,), (2,))
    mapping(file, (0,), [(here, "part %b%%.h5", "x%b", (2,))], most=(UNLIMITED,), fill=-1)


def nested(folder: Path, file: h5py.File) -> None:
    with h5py.File(folder / "t.h5", "w") as inner:
        some_rows(folder, inner)
        inner["link"] = h5py.SoftLink("v")
    here = ((8, 4), (1, 0), (2, 1), (3, 1), (1, 4))
    there = ((6, 5), (1, 1), (1, 1), (1, 1), (3, 4))
    mapping(file, (8, 4), [(here, "t.h5", "link", there)], fill=-5)


def casts(folder: Path, file: h5py.File) -> None:
    numbers(folder / "s.h5", "x", 3, kind=">u2")
    mapping(file, (4,), [(((4,), (1,), (1,), (3,), (1,)), "s.h5", "x", (3,))], kind="<f4", fill=0.5)


def of_kind(kind: Any, values: Any) -> Callable[[Path, h5py.File], None]:
    def make(folder: Path, file: h5py.File) -> None:
        with h5py.File(folder / "s.h5", "w") as source:
            source.create_dataset("x", data=np.array(values, kind), dtype=kind)
        mapping(file, (3,), [(((3,), (1,), (1,), (2,), (1,)), "s.h5", "x", (2,))], kind=kind)

    return make


KINDS = {
    "text": (h5py.string_dtype(), ["ä", "bc"]),
    "bool": ("?", [True, True]),
    "fixed": ("S3", [b"abc", b"d"]),
    "record": ([("a", "<i2"), ("b", "<f8", (2,))], [(1, (2.0, 3.0)), (4, (5.0, 6.0))]),
    "complex": ("<c8", [1j, 2]),
}
MAKERS = [
    some_rows,
    other_ranks,
    missing_ones,
    itself,
    growing,
    growing_side_by_side,
    growing_that_is_not_there,
    numbered_files,
    nested,
    casts,
    *(pytest.param(of_kind(*kind), id=name) for name, kind in KINDS.items()),
]


def read(folder: Path, *items: Any) -> np.ndarray[Any, Any]:
    with open_local_tree(HDF5, Sources((folder / "f.h5",), {}, (folder,))) as tree:
        structure: Any = tree.entry(["v"]).structure
        found: NDSlice = items
        return tree.read_array(["v"], structure, found)


@pytest.mark.parametrize("make", MAKERS)
def test_virtual_datasets_are_read_as_the_library_reads_them(
    tmp_path: Path, make: Callable[[Path, h5py.File], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        make(tmp_path, file)
    with h5py.File(tmp_path / "f.h5") as file:
        expected = file["v"][()]
    if expected.dtype.hasobject:
        expected = np.array([one or b"" for one in expected], "S")
    assert expected.size
    np.testing.assert_array_equal(read(tmp_path), expected)
    np.testing.assert_array_equal(read(tmp_path, slice(None, None, 2)), expected[::2])
    np.testing.assert_array_equal(read(tmp_path, -1), expected[-1])


def test_opaque_values_keep_their_tag(tmp_path: Path) -> None:
    kind = h5py.h5t.create(h5py.h5t.OPAQUE, 3)
    kind.set_tag(b"tag")
    space = h5py.h5s.create_simple((2,))
    with h5py.File(tmp_path / "f.h5", "w") as file:
        made = h5py.h5d.create(file.id, b"x", kind, space)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b"abc", b"def"], "V3"), kind)
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_layout(h5py.h5d.VIRTUAL)
        options.set_virtual(space, b".", b"x", space)
        h5py.h5d.create(file.id, b"v", kind, space, options)
    assert read(tmp_path).tolist() == [b"abc", b"def"]


def outside(file: h5py.File, names: list[str]) -> None:
    """Make `v`: whole numbers in other files, three in each but the last."""
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for number, name in enumerate(names, start=1):
        options.set_external(name.encode(), 8, 24 if number < len(names) else h5py.h5f.UNLIMITED)
    space = h5py.h5s.create_simple((5,))
    h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_INT64, space, options)


def test_bytes_in_other_files_are_read_where_they_lie(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("one", "two")]
    for name in names:
        Path(name).write_bytes(np.arange(4).tobytes())
    with h5py.File(tmp_path / "f.h5", "w") as file:
        outside(file, names)
    assert read(tmp_path).tolist() == [1, 2, 3, 1, 2]
    assert read(tmp_path, slice(2, 4)).tolist() == [3, 1]


def virtual_of_s(folder: Path, file: h5py.File) -> None:
    mapping(file, (3,), [((3,), "s.h5", "x", (3,))])


def outside_of_s(folder: Path, file: h5py.File) -> None:
    outside(file, [str(folder / "s.h5")])


@pytest.mark.parametrize("make", [virtual_of_s, outside_of_s])
def test_a_source_is_the_file_that_was_checked_whatever_takes_its_place(
    tmp_path: Path, make: Callable[[Path, h5py.File], None]
) -> None:
    """The library would open it by its name once more."""
    folder, secret = tmp_path / "open", tmp_path / "secret"
    folder.mkdir()
    for path, start in ((folder / "s.h5", 1), (secret, 100)):
        numbers(path, "x", 64, start=start)
    with h5py.File(folder / "f.h5", "w") as file:
        make(folder, file)
    expected = read(folder).tolist()
    sources = Sources((folder / "f.h5",), {}, (folder,))
    with open_local_tree(HDF5, sources) as tree:
        structure: Any = tree.entry(["v"]).structure
        assert tree.read_array(["v"], structure, ()).tolist() == expected
    with open_local_tree(HDF5, sources) as tree:
        held: Any = tree
        place = held.tree.file.find(["v"])
        stored = held.tree.file.stored(place)
        if make is virtual_of_s:
            stored.look_for_sources()
        os.unlink(folder / "s.h5")
        (folder / "s.h5").symlink_to(secret)
        assert stored[(slice(0, 3, 1),)].tolist() == expected[:3]
    with pytest.raises(OutsideReadable):
        read(folder)


def test_links_out_of_the_folder_are_not_followed_within_sources(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    numbers(tmp_path / "secret.h5", "x", 3)
    with h5py.File(folder / "s.h5", "w") as file:
        file["x"] = h5py.ExternalLink("../secret.h5", "/x")
    with h5py.File(folder / "f.h5", "w") as file:
        virtual_of_s(folder, file)
    with pytest.raises(OutsideReadable):
        read(folder)


def test_a_virtual_dataset_of_itself_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        mapping(file, (3,), [((3,), ".", "v", (3,))])
    with pytest.raises(StorageError, match="contains itself"):
        read(tmp_path)


def test_a_source_that_is_too_small_is_said_where_it_is_needed(tmp_path: Path) -> None:
    numbers(tmp_path / "s.h5", "x", 2)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        mapping(file, (4,), [((4,), "s.h5", "x", (4,))])
    os.utime(tmp_path / "f.h5", (0, 0))
    assert read(tmp_path, slice(0, 2)).tolist() == [1, 2]
    with pytest.raises(Unreadable, match="than exist"):
        read(tmp_path)


def open_files() -> list[Path]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(descriptor.readlink())
    return found


def test_files_that_were_sources_are_closed(tmp_path: Path) -> None:
    """Whoever writes one must not find it locked."""
    maps: list[Any] = []
    for n in range(20):
        numbers(tmp_path / f"{n}.h5", "x", 2, start=2 * n)
        maps.append((((40,), (2 * n,), (1,), (1,), (2,)), f"{n}.h5", "x", (2,)))
    with h5py.File(tmp_path / "f.h5", "w") as file:
        mapping(file, (40,), maps)
    with open_local_tree(HDF5, Sources((tmp_path / "f.h5",), {}, (tmp_path,))) as tree:
        structure: Any = tree.entry(["v"]).structure
        assert tree.read_array(["v"], structure, ()).tolist() == list(range(40))
        assert len([path for path in open_files() if path.is_relative_to(tmp_path)]) > 20
    assert not [path for path in open_files() if path.is_relative_to(tmp_path)]
    for n in range(20):
        with h5py.File(tmp_path / f"{n}.h5", "r+") as file:
            file["x"][0] = 0
