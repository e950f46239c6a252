"""The server's own storage, as configured by this site's settings."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from functools import cache, lru_cache
from pathlib import Path

from ....config import storage_settings
from ....storage import files
from ....storage.arrays import ArrayStore
from ..removal_hold import removals_are_held


@cache
def array_store() -> ArrayStore:
    """Return the array store of this process; it keeps handles open between requests."""
    return ArrayStore(file_io_sync=storage_settings().file_io_sync)


def node_folder(node: uuid.UUID) -> Path:
    """Return the folder that holds the data of this node."""
    return files.node_directory(storage_settings().directory, node)


def array_folder(node: uuid.UUID, folder: str) -> Path:
    """Return the folder of an array's chunks: `folder` in that of its node, or the latter."""
    return _array_folder(storage_settings().directory, node, folder)


@lru_cache(maxsize=4096)
def _array_folder(root: Path, node: uuid.UUID, folder: str) -> Path:
    # Cached: building the path takes longer than listing the folder.
    return files.node_directory(root, node) / folder


def stored_file(node: uuid.UUID, data_uri: str) -> Path:
    """Return where a managed file is now: the storage may have moved since it was written."""
    return node_folder(node) / files.uri_path(data_uri).name


def discard_folders(nodes: Collection[uuid.UUID]) -> int:
    """Remove the folders of nodes that exist; leave them to the cleanup during a backup.

    Returns the number of nodes whose folders are removed now.
    """
    if not nodes or removals_are_held():
        return 0
    for node in nodes:
        files.remove_stored(storage_settings().directory, node_folder(node))
    return len(nodes)
