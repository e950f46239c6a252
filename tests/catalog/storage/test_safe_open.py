"""Files below a folder are opened through no link, also one that was not there a moment ago."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.storage import raw_files, safe_open
from catalog.storage.errors import StorageError

from .symlink_swapper import swapped

Opener = Callable[[Path, Path, int], int]


def by_steps(folder: Path, path: Path, flags: int) -> int:
    """As where the kernel has no `openat2`."""
    start = os.open(folder, os.O_PATH)
    try:
        return safe_open._one_by_one(start, path.relative_to(folder), flags | os.O_NOFOLLOW)
    finally:
        os.close(start)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside another, both with a file `run/a`."""
    for name in ("inside", "outside"):
        (tmp_path / name / "run").mkdir(parents=True)
        (tmp_path / name / "run" / "a").write_text(name)
    return tmp_path / "inside"


@pytest.mark.parametrize("open_it", [safe_open.open_beneath, by_steps])
def test_no_link_on_the_way_is_followed(folder: Path, open_it: Opener) -> None:
    (folder / "way").symlink_to(folder.parent / "outside" / "run")
    (folder / "a").symlink_to(folder.parent / "outside" / "run" / "a")
    descriptor = open_it(folder, folder / "run" / "a", os.O_RDONLY)
    assert os.read(descriptor, 10) == b"inside"
    os.close(descriptor)
    os.close(open_it(folder, folder, os.O_RDONLY | os.O_DIRECTORY))
    for path in (folder / "way" / "a", folder / "a"):
        with pytest.raises(OSError) as caught:
            open_it(folder, path, os.O_RDONLY)
        assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)
    with pytest.raises(FileNotFoundError):
        open_it(folder, folder / "run" / "b", os.O_RDONLY)


def test_a_folder_that_becomes_a_link_is_never_opened_through(folder: Path) -> None:
    path = folder / "run" / "a"
    read = refused = listed = 0
    with swapped(folder / "run", folder.parent / "outside" / "run", folder / "aside"):
        end = time.monotonic() + 1
        while time.monotonic() < end or not (read and refused and listed):
            try:
                opened = raw_files.open_file(path, folder)
                found = b"".join(raw_files.FileChunks(opened, 0, opened.size))
                read += 1
                assert found == b"inside"
                listed += raw_files.manifest(path.parent, folder) == ["a"]
            except (StorageError, ValueError):
                refused += 1
