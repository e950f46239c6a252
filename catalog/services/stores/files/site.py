"""The store of files of this site."""

from __future__ import annotations

from functools import cache

from ....config import storage_settings
from .folder import FolderFiles
from .interface import FileStore


def file_store() -> FileStore:
    """Return the store of files that the settings of this site name."""
    return _FOLDER if storage_settings().uri is None else _bucket()


@cache
def _bucket() -> FileStore:
    # Imported at first use: most sites have no bucket, and do not load its client.
    from .bucket import BucketFiles

    return BucketFiles()


_FOLDER = FolderFiles()
