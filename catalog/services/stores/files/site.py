"""The store of files of this site."""

from __future__ import annotations

from functools import cache

from .folder import FolderFiles
from .interface import FileStore


@cache
def file_store() -> FileStore:
    """Return the store of files that the settings of this site name."""
    return FolderFiles()
