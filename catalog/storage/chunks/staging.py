"""Staged chunks: files that replace current chunks once their write is committed.

| state | files | next |
| --- | --- | --- |
| staged | `staged-NAME...partial` beside or below the current chunk files | apply, discard |
| applying | some are renamed to their chunk's name | apply again, by any process |
| applied | none is left | - |

Any process may apply a stage, also several at once: each file can be renamed only once, so that a
slow process cannot undo a later write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tiled_client.wire.blosc_chunks import Buffer

from ..atomic_write import rename_into_place, write_temporary
from ..encoding import Array
from ..layout import Layout
from ..regions import Region, chunk_ranges, chunks_of
from . import staging_names, written
from .files import folder_in_place_error, new_content
from .staging_names import Index, chunk_path

# Up to this number of chunks, one thread writes or renames them; more are shared by several.
MAX_SERIAL_CHUNKS = 8
THREADS = 4
# A chunk's index, and the path of its staged file.
StagedChunk = tuple[Index, str]
Item = TypeVar("Item")


def stage_chunks(
    directory: Path,
    name: str,
    layout: Layout,
    region: Region,
    values: Array,
    *,
    shape: Sequence[int],
    sync: bool,
    ready: Mapping[Index, Buffer],
) -> list[StagedChunk]:
    """Stage the chunks that `values` over `region` make of an array of `shape`; return them.

    `ready` has the contents of chunks for which they are known.
    """
    indices = list(chunks_of(region, layout.chunk))
    place = staging_names.single_path
    if len(indices) > MAX_SERIAL_CHUNKS:
        place = staging_names.staged_path
        staging_names.write_list(directory, name, chunk_ranges(region, layout.chunk), sync=sync)

    def put(aside: StagedChunk) -> None:
        index, path = aside
        content = new_content(directory, layout, index, region, values, shape, ready)
        target = chunk_path(directory, index)
        try:
            write_temporary(path, content, target, sync=sync)
        except IsADirectoryError as error:
            raise folder_in_place_error(target) from error

    chunks = [(index, place(directory, name, index)) for index in indices]
    _for_each(put, chunks)
    return chunks


def find_staged(directory: Path, name: str, ndim: int) -> list[StagedChunk]:
    """Return the staged chunks of the write `name`, with their files."""
    mine = [each for each in staging_names.find_stages(directory) if each.name == name]
    # The chunk of a 0-dimensional array has an empty index.
    return [(index[:ndim], path) for each in mine for index, path in each.chunks(directory)]


def apply(
    directory: Path,
    name: str,
    layout: Layout,
    shape: Sequence[int],
    chunks: Sequence[StagedChunk],
    *,
    sync: bool,
    alone: bool,
) -> None:
    """Rename the staged chunks of the write `name` into place, unless that was done before.

    `alone` says that no other process can write to the array meanwhile.
    """
    if chunks and layout.recorded:
        indices = [index for index, _ in chunks]
        written.before_publishing(directory, layout, shape, indices, sync=sync, alone=alone)
    _for_each(lambda chunk: _publish(chunk[1], chunk_path(directory, chunk[0]), sync), chunks)
    if len(chunks) > MAX_SERIAL_CHUNKS:
        _unlink(staging_names.list_path(directory, name))


def discard(directory: Path, name: str) -> None:
    """Remove the chunks of the write `name` that are still staged."""
    for each in staging_names.find_stages(directory):
        if each.name == name:
            for _, path in each.chunks(directory):
                _unlink(path)
            _unlink(each.path)


def _for_each(step: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Call `step` with each item, in several threads if there are many."""

    def some(first: int) -> None:
        for item in items[first::THREADS]:
            step(item)

    if len(items) <= MAX_SERIAL_CHUNKS:
        for item in items:
            step(item)
        return
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(some, range(THREADS)):
            pass


def _publish(aside: str, path: str, sync: bool) -> None:
    try:
        rename_into_place(aside, path, sync=sync)
    except FileNotFoundError:
        # The folder is missing, or another process has renamed the file before.
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with suppress(FileNotFoundError):
            rename_into_place(aside, path, sync=sync)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
