"""Clean up folders of no node, and files that no row names."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ....config import storage_settings
from ....locks.node_locks import LockTimeout, node_lock
from ....models import DataSource, Node
from ....storage import files
from ....storage.chunks import staging_names
from ....storage.errors import StorageError
from ..known_nodes import BATCH, missing
from ..removal_hold import removals_are_held
from .overwrites import clean_up_stages, has_pending_stages
from .paths import discard_folders, node_folder

logger = logging.getLogger(__name__)

_TWO_DIGITS = re.compile(r"[0-9a-f]{2}")
_UUID = re.compile(r"[0-9a-f]{32}")
_OF_WRITE = re.compile(
    r"(partition|block|buffers|branch)-([0-9.]*-)?[0-9a-f]{8}(\.arrows|\.parquet|\.zip)?(\..*\.partial)?"
)


def remove_orphaned_folders(min_age: float) -> int:
    """Remove the folders of nodes that do not exist; return how many were removed.

    Folders that changed in the last `min_age` seconds stay, and so does everything else in the
    storage.
    """
    removed = 0
    folders = node_folders(storage_settings().directory)
    while found := list(islice(folders, BATCH)):
        removed += discard_folders(
            [node for node in missing(found) if is_old(node_folder(node), min_age)]
        )
    return removed


def remove_orphaned_files(min_age: float) -> int:
    """Remove files of existing nodes that no row names; return how many were removed.

    Each is checked under the lock of its node: a write that may still make it current holds
    that lock, or has lost its session and cannot commit.
    """
    removed = 0
    folders = node_folders(storage_settings().directory)
    while found := list(islice(folders, BATCH)):
        suspects = {
            node for node in found if _files_of_writes(node, min_age) or has_pending_stages(node)
        }
        paths = Node.objects.filter(uuid__in=suspects).values_list("uuid", "path")
        for node, path in list(paths):
            try:
                with node_lock(path):
                    removed += clean_up_stages(node, min_age=min_age)
                    removed += _remove_unnamed(node, min_age)
            except (LockTimeout, StorageError, OSError) as error:
                # A damaged node must not prevent the cleanup of all others.
                logger.warning("Skipped the files of %s until the next cleanup: %s", path, error)
    return removed


def _remove_unnamed(node: uuid.UUID, min_age: float) -> int:
    unnamed = unnamed_files(node, min_age)
    if removals_are_held():
        return 0
    for path in unnamed:
        files.remove_stored(storage_settings().directory, path)
    return len(unnamed)


def unnamed_files(node: uuid.UUID, min_age: float) -> list[Path]:
    """Return the files of an existing node, and the folders of its array, that no row names.

    Without the lock of the node, a write in progress may still make one of them current.
    """
    if not (candidates := _files_of_writes(node, min_age)):
        return []
    source = DataSource.objects.filter(node__uuid=node).first()
    if source is None:
        return []  # deleted since; its folder goes as a whole
    named = {files.uri_path(link.asset.data_uri).name for link in source.asset_links.all()}
    named.add(source.folder)
    unnamed = [path for path in candidates if path.name not in named]
    folder = node_folder(node)
    if source.folder:
        # The array has moved to `source.folder`; these are left from before.
        left = [folder / name for name in ("c", "zarr.json", "written")]
        left += [
            Path(each.path) for each in staging_names.find_stages(folder)
        ]  # those of many go with `c`
        unnamed += [path for path in left if is_old(path, min_age)]
    return unnamed


def _files_of_writes(node: uuid.UUID, min_age: float) -> list[Path]:
    """Return the files in a node's folder whose names were chosen for a single write."""
    return [path for path in _named(node_folder(node), _OF_WRITE) if is_old(path, min_age)]


def node_folders(root: Path) -> Iterator[uuid.UUID]:
    """Iterate over the nodes that have a folder in the storage."""
    for group in _named(root, _TWO_DIGITS):
        for folder in _named(group, _UUID):
            if folder.name.startswith(group.name):
                yield uuid.UUID(folder.name)


def _named(folder: Path, form: re.Pattern[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if form.fullmatch(path.name)]


def is_old(folder: Path, seconds: float) -> bool:
    """Return whether a file or folder exists, and has not changed in the last `seconds`."""
    try:
        return folder.lstat().st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False
