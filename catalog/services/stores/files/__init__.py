"""The files of nodes: partitions of tables, rows of ragged arrays, blocks and buffers.

Each is an asset. `interface` says what a store of such files does; `file_store` returns the one
of this site.
"""

from .interface import Addition, FileStore, NewFile, OpenDownload, StoredFile
from .site import file_store

__all__ = ["Addition", "FileStore", "NewFile", "OpenDownload", "StoredFile", "file_store"]
