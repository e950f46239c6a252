"""Record of written chunks: tells a lost chunk file from a chunk of zeros.

`zarr.json` has one of these states (`layout.Written`):

| state | chunks within the catalog's shape | changes to |
| --- | --- | --- |
| NONE | none was written | ALL (a write of all), SOME (of a part) |
| ALL | all were written; an append that covers the growth keeps it | SOME (other growth) |
| SOME | those with a mark (see `written_marks`) | ALL (a write of all) |
| missing | unknown: a folder of an older version, where missing files read as zeros | - |

Invariant: a recorded chunk has a file, or a staged one that is about to be renamed into place, and
files are only replaced. A recorded chunk without either is therefore damage. The record is read
only where no file was found.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from ..encoding import Array
from ..errors import MissingFile
from ..layout import Layout, Written, read_shape, read_written, update_written
from ..regions import (
    Region,
    chunk_ranges,
    count_chunks,
    count_touched,
    select_touched,
    touched_numbers,
    whole,
)
from . import staging_names, written_marks
from .staging_names import chunk_path


def before_growth(
    directory: Path,
    layout: Layout,
    old: Sequence[int],
    new: Sequence[int],
    region: Region | None,
    *,
    sync: bool,
) -> None:
    """Update the record before a growth from `old` to `new`, of which `region` is written next.

    Call it before writing beyond `old`.
    """
    ndim = len(layout.chunk)
    if read_written(directory, ndim) is not Written.ALL or _covers(region, old, new):
        return
    written_marks.mark(directory, chunk_ranges(whole(old), layout.chunk), sync=sync)
    update_written(directory, ndim, Written.SOME, sync=sync)


def after_write(
    directory: Path, layout: Layout, shape: Sequence[int], region: Region, *, sync: bool
) -> None:
    """Record that the files of all chunks of `region` exist."""
    ndim = len(layout.chunk)
    state = read_written(directory, ndim)
    if state is Written.ALL or state is None:
        return
    if region == whole(shape):
        update_written(directory, ndim, Written.ALL, sync=sync)
        return
    written_marks.mark(directory, chunk_ranges(region, layout.chunk), sync=sync)
    if state is not Written.SOME:
        update_written(directory, ndim, Written.SOME, sync=sync)


def before_publishing(
    directory: Path,
    layout: Layout,
    shape: Sequence[int],
    indices: Sequence[tuple[int, ...]],
    *,
    sync: bool,
    alone: bool,
) -> None:
    """Record that the files of these chunks exist, or are about to be renamed into place.

    Without `alone`, ALL is never recorded: the array may have grown meanwhile.
    """
    ndim = len(layout.chunk)
    state = read_written(directory, ndim)
    if state is Written.ALL or state is None:
        return
    if alone and len(indices) == count_chunks(whole(shape), layout.chunk):
        update_written(directory, ndim, Written.ALL, sync=sync)
        return
    written_marks.mark_each(directory, indices, sync=sync)
    if state is not Written.SOME and read_written(directory, ndim) is not Written.ALL:
        update_written(directory, ndim, Written.SOME, sync=sync)


def check_lost(directory: Path, layout: Layout, index: Sequence[int]) -> bool:
    """Check a chunk without a file again; return whether it has a file by now.

    Raises MissingFile if it was written.
    """
    if not layout.recorded:
        return False
    _check_reaches(directory, layout, index)
    state = read_written(directory, len(index))
    if state is None or state is Written.NONE:
        return False
    if state is Written.SOME and not written_marks.is_marked(directory, index):
        return False
    coming, path = staging_names.is_staged(directory, index), chunk_path(directory, index)
    if os.path.exists(path):
        return True
    if coming:
        return False
    raise _missing_chunk_error(path)


def is_complete(directory: Path, layout: Layout, region: Region) -> bool:
    """Return whether all chunks that `region` needs were written.

    If not, raises MissingFile if one of those that were written is lost.
    """
    numbers = chunk_ranges(region, layout.chunk)
    _check_reaches(directory, layout, [each.stop - 1 for each in numbers])
    state = read_written(directory, len(layout.chunk))
    if state is Written.ALL:
        return True
    if state is not Written.SOME:
        return False
    known = select_touched(region, layout.chunk, written_marks.find_marked(directory, numbers))
    if len(known) == count_touched(region, layout.chunk):
        return True
    _check_files(directory, layout, known)
    return False


def check_files(directory: Path, layout: Layout, region: Region) -> None:
    """Raise MissingFile if a chunk that `region` needs was written and is lost."""
    state = read_written(directory, len(layout.chunk))
    if state is Written.ALL:
        for index in itertools.product(*touched_numbers(region, layout.chunk)):
            check_lost(directory, layout, index)
    elif state is Written.SOME:
        known = written_marks.find_marked(directory, chunk_ranges(region, layout.chunk))
        _check_files(directory, layout, select_touched(region, layout.chunk, known))


def clear_beyond(directory: Path, layout: Layout, shape: Sequence[int]) -> None:
    """Clear the record beyond `shape`. Call it before removing the files."""
    if layout.recorded:
        written_marks.clear_beyond(directory, chunk_ranges(whole(shape), layout.chunk))


def copy_marks(
    directory: Path, target: Path, layout: Layout, shape: Sequence[int]
) -> Written | None:
    """Copy the marks within `shape` to the folder `target`; return the state to record there."""
    state = read_written(directory, len(layout.chunk))
    if state is Written.SOME:
        written_marks.copy(directory, target, chunk_ranges(whole(shape), layout.chunk))
    return state


def _covers(region: Region | None, old: Sequence[int], new: Sequence[int]) -> bool:
    """Return whether `region` covers all that a growth from `old` to `new` adds."""
    if region is None:
        return False
    for grown, (before, after) in enumerate(zip(old, new, strict=True)):
        if after > before:
            for dimension, (part, size) in enumerate(zip(region, new, strict=True)):
                if part.stop < size or part.start > (before if dimension == grown else 0):
                    return False
    return True


def _check_files(directory: Path, layout: Layout, indices: Array) -> None:
    for index in indices.tolist():
        if not os.path.exists(chunk_path(directory, index)):
            check_lost(directory, layout, index)


def _missing_chunk_error(path: str) -> MissingFile:
    return MissingFile(
        f"The chunk file {path} does not exist, although the chunk was written. Restore the file "
        "from a backup, or write the whole chunk again."
    )


def _check_reaches(directory: Path, layout: Layout, index: Sequence[int]) -> None:
    """Raise MissingFile if the folder ends before a chunk that the catalog has.

    `zarr.json` grows before the catalog does: a smaller one is an older version of it.
    """
    shape = read_shape(directory, len(index))
    if shape is not None and any(
        number * size >= end for number, size, end in zip(index, layout.chunk, shape, strict=True)
    ):
        raise MissingFile(
            f"The array's folder {directory} ends at the shape {list(shape)}, before the chunk "
            f"{list(index)} of the catalog: it is older than the catalog. Restore it from a newer "
            "backup."
        )
