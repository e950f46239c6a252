"""How much room the data of a node take, without looking at more files than one would wait for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..config import storage_settings
from ..models import DataSource
from ..services.stores import node_folder
from ..storage.errors import StorageError
from ..storage.external import resolve_uri
from .text import count_text, size_text

MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes and files that were found; `more` if there were too many to count all."""

    size: int
    files: int
    more: bool

    def __str__(self) -> str:
        least = "more than " if self.more else ""
        return f"{least}{size_text(self.size)} in {least}{count_text(self.files, 'file')}"


def room_of(source: DataSource) -> Room:
    """The room on disk of a data source's files; those that are not there count nothing."""
    if source.external:
        return measure(_external_files(source))
    return measure([node_folder(source.node.uuid)])


def measure(paths: Iterable[Path]) -> Room:
    """The room of these files, and of all files below these folders."""
    size = files = 0
    for status in _statuses(paths):
        if files == MOST_FILES:
            return Room(size, files, more=True)
        size += status.st_size
        files += 1
    return Room(size, files, more=False)


def _statuses(paths: Iterable[Path]) -> Iterable[os.stat_result]:
    for path in paths:
        try:
            if path.is_dir():
                yield from _statuses(path.iterdir())
            else:
                yield path.stat()
        except FileNotFoundError:
            # Files come and go meanwhile.
            continue


def _external_files(source: DataSource) -> Iterable[Path]:
    readable = storage_settings().readable
    for uri in source.assets.values_list("data_uri", flat=True)[: MOST_FILES + 1]:
        try:
            yield resolve_uri(uri, readable)
        except StorageError:
            # A folder that may no longer be read.
            continue
