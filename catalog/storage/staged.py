"""Chunks that take the place of others once their write is committed: whole files, set aside.

They lie in a folder of their write within that of the array, and become current by renaming, chunk
by chunk. Who does that, and how often, does not matter: each file can be put in its place once
only, so that a process that took its time cannot undo what came later.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from . import written
from .chunk_files import chunk_path, content, link_chunk, new_chunk, partial_chunks, written_chunk
from .encoding import Array
from .layout import Layout
from .regions import Region, chunks_of
from .replace import put_in_place, sync_folder, write_aside

PREFIX, SUFFIX = "staged-", ".partial"


def folder_name(name: str) -> str:
    """What the folder of the chunks that the write called `name` has set aside is called."""
    return f"{PREFIX}{name}{SUFFIX}"


def folder_of(directory: Path, name: str) -> str:
    """The folder of the chunks that the write called `name` has set aside."""
    return f"{directory}/{folder_name(name)}"


def names(directory: Path) -> list[str]:
    """The writes that have chunks set aside in the folder of an array, which need not exist."""
    try:
        found = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        name[len(PREFIX) : -len(SUFFIX)]
        for name in found
        if name.startswith(PREFIX) and name.endswith(SUFFIX)
    ]


def put_aside(
    directory: Path,
    name: str,
    layout: Layout,
    region: Region,
    values: Array,
    *,
    shape: Sequence[int],
    sync: bool,
) -> None:
    """Set the chunks aside that `values` over `region` make of those of an array of `shape`."""
    folder = folder_of(directory, name)
    os.makedirs(folder, exist_ok=True)
    for index in chunks_of(region, layout.chunk):
        chunk = new_chunk(directory, layout, index, region, values, shape)
        path = chunk_path(directory, index)
        write_aside(f"{folder}/{_file(index)}", content(chunk), path, sync=sync)
    if sync:
        sync_folder(folder)


def begin_from(
    directory: Path, name: str, layout: Layout, region: Region, shape: Sequence[int]
) -> str:
    """Make the folder for a writer of our chunk names, with those in it of which a part stays."""
    folder = folder_of(directory, name)
    os.makedirs(folder, exist_ok=True)
    for index in partial_chunks(layout, region, shape):
        if written_chunk(directory, layout, index) is not None:
            link_chunk(chunk_path(directory, index), f"{folder}/{_file(index)}")
    return folder


def apply(directory: Path, name: str, layout: Layout, *, sync: bool) -> None:
    """Put what the write called `name` has set aside in its place, unless others have done so."""
    folder = folder_of(directory, name)
    try:
        files = os.listdir(folder)
    except FileNotFoundError:
        return
    placed = []
    for file in files:
        index = _index(file, len(layout.chunk))
        if index is not None:
            with suppress(FileNotFoundError):  # put there by another process
                _place(f"{folder}/{file}", chunk_path(directory, index), sync)
            placed.append(index)
    if layout.recorded:
        written.mark_each(directory, placed, sync=sync)
    discard(directory, name)


def discard(directory: Path, name: str) -> None:
    """Remove what the write called `name` has set aside and not put in its place."""
    folder = folder_of(directory, name)
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _place(aside: str, path: str, sync: bool) -> None:
    try:
        put_in_place(aside, path, sync=sync)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        put_in_place(aside, path, sync=sync)


def _file(index: Sequence[int]) -> str:
    return ".".join(map(str, index)) or "0"


def _index(file: str, ndim: int) -> tuple[int, ...] | None:
    """The chunk that a file holds; None for others, such as those that are being written."""
    parts = file.split(".")
    if len(parts) != max(ndim, 1) or not all(part.isdecimal() for part in parts):
        return None
    return tuple(map(int, parts))[:ndim]
