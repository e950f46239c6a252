"""The server's own storage, as this site's settings place it."""

from __future__ import annotations

import uuid
from functools import cache, lru_cache
from pathlib import Path

from ...config import storage_settings
from ...storage import files
from ...storage.arrays import ArrayStore


@cache
def array_store() -> ArrayStore:
    """The arrays of this process; open handles are kept between requests."""
    return ArrayStore(file_io_sync=storage_settings().file_io_sync)


def node_folder(node: uuid.UUID) -> Path:
    """The folder that holds the data of this node alone."""
    return files.node_directory(storage_settings().directory, node)


def array_folder(node: uuid.UUID, folder: str) -> Path:
    """The folder of an array's chunks: `folder` within that of its node, or that one if empty."""
    return _array_folder(storage_settings().directory, node, folder)


@lru_cache(maxsize=4096)
def _array_folder(root: Path, node: uuid.UUID, folder: str) -> Path:
    # To put paths together takes longer than a look into the folder.
    return files.node_directory(root, node) / folder


def stored_file(node: uuid.UUID, data_uri: str) -> Path:
    """Where a file of the server's own is now: a site may have moved since it was written."""
    return node_folder(node) / files.uri_path(data_uri).name


def discard_folder(node: uuid.UUID) -> None:
    """Remove the folder of a node, if it has one."""
    files.remove_stored(storage_settings().directory, node_folder(node))
