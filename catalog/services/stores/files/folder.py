"""The files of nodes in the storage directory: a folder for each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction

from ....config import storage_settings
from ....models import DataSource
from ....storage import files, raw_files, tables
from ....storage.atomic_write import replace_file
from ....storage.errors import MissingFile, Unreadable
from ....storage.tables import PartitionReader, Rows
from ..folder.paths import array_folder
from ..removal_hold import removals_are_held
from .interface import Addition, NewFile, StoredFile

if TYPE_CHECKING:
    from typing_extensions import Buffer


class FolderFiles:
    """Files that rows are appended to in place."""

    # Reading maps files, and costs little.
    reread_bytes = 0

    def prepare(self, node: UUID) -> None:
        """Create the folder of the node."""
        _folder(node).mkdir(parents=True, exist_ok=True)

    def write(self, node: UUID, name: str, content: Buffer) -> NewFile:
        """Write a file of a new name, atomically."""
        path = _folder(node) / name
        replace_file(path, content, sync=_sync())
        return NewFile(files.file_uri(path), memoryview(content).nbytes)

    def write_partition(self, node: UUID, number: int, rows: Rows) -> NewFile:
        """Write rows to a new file, an Arrow IPC stream."""
        written = tables.write_partition(_folder(node), number, rows, sync=_sync())
        return NewFile(files.file_uri(written.path), written.size)

    def append(self, file: StoredFile, number: int, rows: Rows, *, exclusive: bool) -> Addition:
        """Append rows to the file or, unless `exclusive`, to a copy of it."""
        path = stored_path(file.node, file.data_uri)
        if exclusive:
            return Addition(tables.append(path, file.size, rows, sync=_sync()))
        copy = tables.append_to_copy(path, file.size, number, rows, sync=_sync())
        return Addition(copy.size, NewFile(files.file_uri(copy.path), copy.size))

    def record(self, asset_id: int, file: NewFile) -> None:
        """Do nothing: the row has the name and the size."""

    def extend(self, file: StoredFile, addition: Addition) -> None:
        """Do nothing: the row has the size."""

    def settle(self, file: StoredFile, addition: Addition) -> None:
        """Do nothing: the rows are where they stay."""

    def discard(self, file: StoredFile) -> None:
        """Remove the file after the commit.

        If the outcome is unknown, or the file cannot be deleted or a backup needs it, the cleanup
        removes it.
        """
        path = stored_path(file.node, file.data_uri)
        transaction.on_commit(lambda: _remove(path), robust=True)

    def place(self, file: StoredFile) -> str:
        """Return the path of the file."""
        return str(stored_path(file.node, file.data_uri))

    def check(self, file: StoredFile) -> None:
        """Compare the size of the file with that in the database."""
        path = stored_path(file.node, file.data_uri)
        try:
            found = path.stat().st_size
        except FileNotFoundError as error:
            raise MissingFile(f"The file {path} does not exist.") from error
        if found < file.size:
            raise Unreadable(f"The file {path} has {found} bytes of {file.size}.")

    def read(self, file: StoredFile) -> memoryview:
        """Return the content of a file that was written at once."""
        path = stored_path(file.node, file.data_uri)
        try:
            return memoryview(path.read_bytes())
        except FileNotFoundError as error:
            raise MissingFile(f"The file {path} does not exist.") from error
        except OSError as error:
            raise Unreadable(f"The file {path} cannot be read: {error}") from error

    def partitions(self, files: Sequence[StoredFile]) -> list[PartitionReader]:
        """Return readers of the valid bytes of the files, which are opened when they are read."""
        return [
            tables.open_partition(stored_path(file.node, file.data_uri), file.size)
            for file in files
        ]

    def download(self, file: StoredFile) -> raw_files.OpenFile:
        """Open the file. Bytes behind the valid size are of a crash, or are being written."""
        opened = raw_files.open_file(stored_path(file.node, file.data_uri))
        return replace(opened, size=min(opened.size, file.size))

    def download_url(self, file: StoredFile) -> str | None:
        """Return None: only this server sends the file."""

    def folder_names(self, source: DataSource) -> list[str]:
        """Return the relative paths of the files below the folder of an array."""
        return raw_files.manifest(array_folder(source.node.uuid, source.folder))

    def folder_download(self, source: DataSource, name: str) -> raw_files.OpenFile:
        """Open a file below the folder of an array."""
        folder = array_folder(source.node.uuid, source.folder)
        return raw_files.open_file(raw_files.resolve_below(folder, name))

    def discard_folder(self, source: DataSource) -> None:
        """Remove the folder after the commit."""
        folder = array_folder(source.node.uuid, source.folder)
        root = storage_settings().directory
        transaction.on_commit(lambda: files.remove_stored(root, folder))


def stored_path(node: UUID, data_uri: str) -> Path:
    """Return where a file is now: the storage may have moved since it was written."""
    return _folder(node) / files.uri_name(data_uri)


def _folder(node: UUID) -> Path:
    return files.node_directory(storage_settings().directory, node)


def _remove(path: Path) -> None:
    if not removals_are_held():
        path.unlink(missing_ok=True)


def _sync() -> bool:
    return storage_settings().file_io_sync
