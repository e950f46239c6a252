"""Downloads of files in a bucket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ....storage import files
from ....storage.objects.client import ObjectInfo, ObjectStore
from ..bucket.names import node_folder
from .interface import StoredFile
from .part_rows import Part


@dataclass(frozen=True, slots=True)
class WholeDownload:
    """A file that is one object."""

    store: ObjectStore
    found: ObjectInfo

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.found.size

    @property
    def modified(self) -> int:
        """The time of the put, in nanoseconds."""
        return int(self.found.modified.timestamp() * 1_000_000) * 1000

    @property
    def tag(self) -> str:
        """A text that differs once the file was changed."""
        return f"{self.modified:x}-{self.size:x}"

    def chunks(self, start: int, length: int) -> Iterator[bytes | memoryview]:
        """Yield `length` bytes from `start` on."""
        return self.store.iter_bytes(self.found.name, start, start + length)

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class PartsDownload:
    """A file that is divided into parts, which are sent one after the other."""

    store: ObjectStore
    prefix: str
    parts: Sequence[Part]

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.parts[-1].start + self.parts[-1].size

    @property
    def modified(self) -> int:
        """The time of the latest part, in nanoseconds."""
        return int(max(part.time for part in self.parts).timestamp() * 1_000_000) * 1000

    @property
    def tag(self) -> str:
        """A text that differs once the file was changed."""
        return f"{self.modified:x}-{self.size:x}"

    def chunks(self, start: int, length: int) -> Iterator[bytes | memoryview]:
        """Yield `length` bytes from `start` on."""
        for part in self.parts:
            first, last = max(start - part.start, 0), min(start + length - part.start, part.size)
            if first >= last:
                continue
            if part.name:
                key = f"{self.prefix}/{part.name}"
                yield from self.store.iter_bytes(key, part.skip + first, part.skip + last)
            else:
                yield part.content[first:last]

    def close(self) -> None:
        """Do nothing."""


def open_download(
    objects: ObjectStore, file: StoredFile, parts: Sequence[Part]
) -> WholeDownload | PartsDownload:
    """Return the parts of a file one after the other, or its object. Raises MissingFile."""
    if not parts:
        return WholeDownload(objects, objects.head(key_of(file)))
    return PartsDownload(objects, node_folder(file.node), parts)


def key_of(file: StoredFile) -> str:
    """Return the name of a file in the bucket: the bucket may have moved since it was written."""
    return f"{node_folder(file.node)}/{files.uri_name(file.data_uri)}"
