"""Disk usage of a node's data, counted up to a limited number of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from core.text import format_count, format_size

from ..config import storage_settings
from ..models import DataSource
from ..services.stores.site import storage
from ..storage.bucket_files.paths import ObjectPath
from ..storage.errors import StorageError
from ..storage.external import resolve_uri

MAX_COUNTED_FILES = 20_000


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Bytes and files found; `more` if there were too many files to count all."""

    size: int
    files: int
    more: bool

    def __str__(self) -> str:
        least = "more than " if self.more else ""
        return f"{least}{format_size(self.size)} in {least}{format_count(self.files, 'file')}"


def disk_usage(source: DataSource) -> DiskUsage:
    """Return the disk usage of a data source's files; missing files count nothing."""
    if source.external:
        return measure(_external_files(source))
    return _total(found.size for found in storage().sizes(source.node.uuid))


def measure(paths: Iterable[Path]) -> DiskUsage:
    """Return the disk usage of these files, and of all files below these folders."""
    return _total(status.st_size for status in _statuses(paths))


def _total(sizes: Iterable[int]) -> DiskUsage:
    total = files = 0
    for size in sizes:
        if files == MAX_COUNTED_FILES:
            return DiskUsage(total, files, more=True)
        total += size
        files += 1
    return DiskUsage(total, files, more=False)


def _statuses(paths: Iterable[Path]) -> Iterator[os.stat_result]:
    """Yield the status of each file; symbolic links below folders are not followed."""
    folders: list[Path] = []
    objects: list[ObjectPath] = []
    for path in paths:
        # Files may disappear meanwhile, or be inaccessible.
        with suppress(OSError):
            if isinstance(path, ObjectPath):
                objects.append(path)
            elif path.is_dir():
                folders.append(path)
            else:
                yield path.stat()
    yield from _object_statuses(objects)
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    yield entry.stat(follow_symlinks=False)


def _object_statuses(paths: Iterable[ObjectPath]) -> Iterator[os.stat_result]:
    """Yield the status of each object, by few listings; none once the storage is out of reach."""
    with suppress(StorageError):
        for parent, group in groupby(paths, lambda path: path.parent):
            known = parent.statuses()
            for path in group:
                found = known.get(path.name)
                if found is not None:
                    yield found
                elif path.name in known:
                    for _, status in path.walk_objects():
                        yield status


def _external_files(source: DataSource) -> Iterable[Path]:
    readable = storage_settings().readable
    for uri in source.assets.values_list("data_uri", flat=True)[: MAX_COUNTED_FILES + 1]:
        try:
            yield resolve_uri(uri, readable)
        except StorageError:
            # The folder is no longer readable by this site's settings.
            continue
