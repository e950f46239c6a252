"""Verify the folder of an array, and the file of each chunk."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ....models import DataSource
from ....storage.chunk_codecs import chunk_elements, content_size
from ....storage.chunks import files as chunk_files
from ....storage.chunks import written
from ....storage.chunks.staging_names import chunk_path
from ....storage.encoding import Encoding
from ....storage.errors import MissingFile, StorageError
from ....storage.layout import Layout, Written, read_layout, read_written
from ....storage.regions import chunks_of, whole
from ..damages import LOST_CHUNK, NO_DATA, UNREADABLE, ArrayDamage
from .paths import array_folder

BLOCK = 1 << 20
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Opened:
    folder: Path
    layout: Layout
    shape: tuple[int, ...]


def find_damages(
    source: DataSource, *, quick: bool, only: Index | None = None
) -> Iterator[ArrayDamage]:
    """Yield what is wrong with the folder, or else with each chunk of the shape, or with one."""
    opened = _open(source)
    if isinstance(opened, ArrayDamage):
        yield opened
        return
    if not math.prod(opened.shape):
        return
    for index in _expected(opened) if only is None else [only]:
        damage = _chunk_damage(opened, index, quick=quick)
        if damage is not None:
            yield damage


def _open(source: DataSource) -> _Opened | ArrayDamage:
    folder = array_folder(source.node.uuid, source.folder)
    try:
        structure = source.node.structure
        assert isinstance(structure, ArrayStructure)
        layout = read_layout(folder, structure)
    except MissingFile as error:
        return ArrayDamage(NO_DATA, str(error), str(folder))
    except (StorageError, WireError) as error:
        return ArrayDamage(UNREADABLE, str(error), str(folder))
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


def _chunk_damage(opened: _Opened, index: Index, *, quick: bool) -> ArrayDamage | None:
    path = chunk_path(opened.folder, index)
    size, codec = opened.layout.chunk_bytes, opened.layout.codec
    try:
        if not os.path.exists(path) and not written.check_lost(opened.folder, opened.layout, index):
            return None  # it was never written
        if codec is not None:
            found = _decompressed_size(opened.layout, codec, path, quick=quick)
        else:
            found = os.stat(path).st_size if quick else _read_file(path)
    except MissingFile as error:
        return ArrayDamage(LOST_CHUNK, str(error), str(path), index)
    except WireError as error:
        return ArrayDamage(UNREADABLE, f"{path}: {error}", str(path), index)
    except OSError as error:
        return ArrayDamage(UNREADABLE, f"{path}: {error.strerror}", str(path), index)
    if found != size:
        detail = f"{path} has {found} bytes, and a chunk has {size}"
        return ArrayDamage(UNREADABLE, detail, str(path), index)
    return None


def _decompressed_size(layout: Layout, codec: str, path: str, *, quick: bool) -> int:
    """Return the size that a compressed chunk states, or has. Raises OSError, WireError."""
    content = Path(path).read_bytes()
    if quick:
        return content_size(codec, content)
    return chunk_elements(codec, content, layout.stored, layout.chunk).nbytes


def _read_file(path: Path | str) -> int:
    """Read all bytes of a file; return how many there are. Raises OSError."""
    size = 0
    with open(path, "rb", buffering=0) as file:
        while block := file.read(BLOCK):
            size += len(block)
    return size
