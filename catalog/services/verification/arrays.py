"""Verify the chunks of stored arrays."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ...models import DataSource
from ...storage.chunks import files as chunk_files
from ...storage.chunks import written
from ...storage.chunks.staging_names import chunk_path
from ...storage.encoding import Encoding
from ...storage.errors import MissingFile, StorageError
from ...storage.layout import Layout, Written, read_layout, read_written
from ...storage.regions import chunks_of, whole
from ..stores.folder.paths import array_folder
from .files import read_file
from .problems import Problem, ProblemKind, Suspect

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    folder: Path
    layout: Layout
    shape: tuple[int, ...]


def verify_array(source: DataSource, *, quick: bool) -> Iterator[Suspect]:
    """Yield what is wrong with the folder of an array, and with each chunk of its shape."""
    opened = _open(source)
    if isinstance(opened, Problem):
        yield Suspect(opened, lambda: _folder_problem(source.pk))
        return
    if not math.prod(opened.shape):
        return
    for index in _expected(opened):
        problem = _chunk_problem(source, opened, index, quick=quick)
        if problem is not None:
            yield Suspect(problem, _again(source.pk, index, quick=quick))


def _open(source: DataSource) -> _Opened | Problem:
    folder = array_folder(source.node.uuid, source.folder)
    try:
        structure = source.node.structure
        assert isinstance(structure, ArrayStructure)
        layout = read_layout(folder, structure)
    except MissingFile as error:
        return _problem(source, ProblemKind.NO_DATA, str(error), folder)
    except (StorageError, WireError) as error:
        return _problem(source, ProblemKind.UNREADABLE, str(error), folder)
    return _Opened(folder, layout, structure.shape + Encoding.of(structure.dtype).inner)


def _expected(opened: _Opened) -> Iterator[Index]:
    """Yield the chunks that are worth a look: all, or those with a file if none is recorded."""
    state = read_written(opened.folder, len(opened.layout.chunk))
    if state in (Written.ALL, Written.SOME):
        yield from chunks_of(whole(opened.shape), opened.layout.chunk)
        return
    for index, _ in chunk_files.existing_chunks(opened.folder, len(opened.layout.chunk)):
        sizes = zip(index, opened.layout.chunk, opened.shape, strict=True)
        if all(number * size < end for number, size, end in sizes):
            yield index


def _chunk_problem(
    source: DataSource, opened: _Opened, index: Index, *, quick: bool
) -> Problem | None:
    path = chunk_path(opened.folder, index)
    size = math.prod(opened.layout.chunk) * opened.layout.stored.itemsize
    try:
        if not os.path.exists(path) and not written.check_lost(opened.folder, opened.layout, index):
            return None  # it was never written
        found = os.stat(path).st_size if quick else read_file(path)
    except MissingFile as error:
        return _problem(source, ProblemKind.LOST_CHUNK, str(error), path)
    except OSError as error:
        return _problem(source, ProblemKind.UNREADABLE, f"{path}: {error.strerror}", path)
    if found != size:
        detail = f"{path} has {found} bytes, and a chunk has {size}"
        return _problem(source, ProblemKind.UNREADABLE, detail, path)
    return None


def _again(key: int, index: Index, *, quick: bool) -> Callable[[], Problem | None]:
    def look() -> Problem | None:
        source = _current(key)
        opened = None if source is None else _open(source)
        if source is None or opened is None:
            return None
        if isinstance(opened, Problem):
            return opened
        return _chunk_problem(source, opened, index, quick=quick)

    return look


def _folder_problem(key: int) -> Problem | None:
    source = _current(key)
    opened = None if source is None else _open(source)
    return opened if isinstance(opened, Problem) else None


def _current(key: int) -> DataSource | None:
    return DataSource.objects.select_related("node").filter(pk=key).first()


def _problem(source: DataSource, kind: ProblemKind, detail: str, file: Path | str) -> Problem:
    return Problem(kind, detail, source.node.path, source.node.uuid.hex, str(file))
