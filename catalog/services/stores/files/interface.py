"""What a store of files does. Files that are written become current with the rows that name them.

| step | by |
| --- | --- |
| write a new file, or rows behind those of a file | `write`, `write_partition`, `append` |
| in the transaction that makes it current, once the asset has a row | `record`, `extend` |
| after the commit | `settle` |

A file that was written and never made current is left to the cleanup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from ....models import Asset, AssetPart, DataSource
from ....storage.tables import PartitionReader, Rows

if TYPE_CHECKING:
    from typing_extensions import Buffer


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of `node`, by its asset; the first `size` bytes are valid."""

    node: UUID
    asset_id: int
    data_uri: str
    size: int

    @classmethod
    def of(cls, node: UUID, asset: Asset) -> StoredFile:
        """Return the file of an asset of `node`."""
        return cls(node, asset.pk, asset.data_uri, asset.size or 0)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A written file that no row names yet; `parts` are rows without an asset."""

    uri: str
    size: int
    parts: tuple[AssetPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows that were written behind those of a file, which then has `size` bytes.

    `copy` is the file that replaces it, if the rows could not be added to it.
    """

    size: int
    copy: NewFile | None = None
    parts: tuple[AssetPart, ...] = ()

    @property
    def removable(self) -> bool:
        """Whether a cleanup may have removed some of them, if the writer has lost its lock."""
        return any(part.name for part in self.parts)


class OpenDownload(Protocol):
    """An open file to send to a client: its size in bytes, and time of change in nanoseconds."""

    @property
    def size(self) -> int:
        """The number of bytes."""
        ...

    @property
    def modified(self) -> int:
        """The time of the latest change."""
        ...

    @property
    def tag(self) -> str:
        """A text that differs once the file was changed."""
        ...

    def chunks(self, start: int, length: int) -> Iterator[bytes | memoryview]:
        """Yield `length` bytes from `start` on; close the file at the end."""
        ...

    def close(self) -> None:
        """Close the file, if no chunks were requested."""
        ...


class FileStore(Protocol):
    """The files of all nodes. Every method that reads or writes raises StorageError."""

    @property
    def reread_bytes(self) -> int:
        """From which size on rows are better read again than kept in memory."""
        ...

    def prepare(self, node: UUID) -> None:
        """Make ready for the files of a new node."""
        ...

    def write(self, node: UUID, name: str, content: Buffer) -> NewFile:
        """Write a file of a new name, atomically."""
        ...

    def write_partition(self, node: UUID, number: int, rows: Rows) -> NewFile:
        """Write rows to a new file, an Arrow IPC stream."""
        ...

    def append(self, file: StoredFile, number: int, rows: Rows, *, exclusive: bool) -> Addition:
        """Append rows to partition `number`. Raises MissingFile, SchemaMismatch.

        Unless `exclusive`, another writer that has lost its lock may still write to the file.
        """
        ...

    def record(self, asset_id: int, file: NewFile) -> None:
        """Store what belongs to the new row of an asset. Call it in the transaction."""
        ...

    def extend(self, file: StoredFile, addition: Addition) -> None:
        """Store what belongs to the new size of an asset. Call it in the transaction."""
        ...

    def settle(self, file: StoredFile, addition: Addition) -> None:
        """Tidy up after the commit of an append, if it is time. Raises nothing."""
        ...

    def discard(self, file: StoredFile) -> None:
        """Remove a file once the transaction that deletes its row is committed."""
        ...

    def place(self, file: StoredFile) -> str:
        """Return where the file is now, for messages."""
        ...

    def check(self, file: StoredFile) -> None:
        """Raise MissingFile or Unreadable if bytes of the file are missing, without reading it."""
        ...

    def read(self, file: StoredFile) -> memoryview:
        """Return the content of a file that was written at once. Raises MissingFile."""
        ...

    def partitions(self, files: Sequence[StoredFile]) -> list[PartitionReader]:
        """Return readers of partitions, all as of one moment. Raises MissingFile."""
        ...

    def download(self, file: StoredFile) -> OpenDownload:
        """Open a file to send it. Raises MissingFile."""
        ...

    def download_url(self, file: StoredFile) -> str | None:
        """Return the URL from which a client may download the file; None to send it."""
        ...

    def folder_names(self, source: DataSource) -> list[str]:
        """Return the relative paths of the files of an array. Raises MissingFile."""
        ...

    def folder_download(self, source: DataSource, name: str) -> OpenDownload:
        """Open one of them. Raises MissingFile, OutsideReadable, Unreadable."""
        ...

    def discard_folder(self, source: DataSource) -> None:
        """Remove the files of an array once the transaction is committed."""
        ...
