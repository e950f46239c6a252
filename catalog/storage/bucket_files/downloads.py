"""An object as a download: in pieces of one request each, so that memory is constant."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import MissingFile
from .files import ObjectFile
from .paths import ObjectPath

PIECE_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object open for reading."""

    file: ObjectFile

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.file.status.size

    @property
    def modified(self) -> int:
        """The time of the last put in ns."""
        return self.file.status.modified

    @property
    def tag(self) -> str:
        """A text that differs once the object was replaced, within the same second, too."""
        digest = hashlib.blake2b(self.file.status.etag.encode(), digest_size=12).hexdigest()
        return f"{digest}-{self.size:x}"

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield `length` bytes from `start` on. Raises StorageError."""
        for offset in range(start, start + length, PIECE_BYTES):
            yield self.file.read_piece(offset, min(PIECE_BYTES, start + length - offset))

    def close(self) -> None:
        """Close it."""
        self.file.close()


def open_object(path: ObjectPath) -> OpenObject:
    """Open an object. Raises MissingFile, and StorageError of the object storage."""
    try:
        return OpenObject(path.open("rb"))
    except FileNotFoundError as error:
        raise MissingFile(f"{path.name} does not exist.") from error
