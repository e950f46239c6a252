"""A Zarr store of the objects below a prefix.

The library requests many chunks at the same time; they are read in one exchange with the server
process, which reads them from the object storage in parallel.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from ...bucket_files.access import fetch
from ...bucket_files.files import ObjectFile
from ...bucket_files.paths import ObjectPath
from ...bucket_files.ranges import MAX_EXCHANGE_BYTES, MAX_EXCHANGE_RANGES, Range
from ..sources import Sources
from .documents import DOCUMENTS

# Bytes that the first request for a chunk reads; larger chunks take further requests.
MIN_FIRST_BYTES, MAX_FIRST_BYTES = 64 << 10, 4 << 20
# Chunks that the library requests at the same time.
CONCURRENCY = 64


# Within the class, `list` is its method.
Values = list[Buffer | None]
Found = list[bytes | None]


async def _no_names() -> AsyncIterator[str]:
    names: tuple[str, ...] = ()
    for name in names:
        yield name


class ObjectZarrStore(Store):
    """A read-only store; `chunk_bytes` is the size of a chunk that is not compressed."""

    supports_writes = supports_deletes = supports_listing = False

    def __init__(self, folder: ObjectPath, sources: Sources, chunk_bytes: int) -> None:
        super().__init__(read_only=True)
        self.root, self._sources = folder, sources
        # A compressed chunk may be a little larger than its contents.
        first = chunk_bytes + chunk_bytes // 16
        self._first = min(max(first, MIN_FIRST_BYTES), MAX_FIRST_BYTES)
        self._waiting: list[tuple[ObjectPath, asyncio.Future[bytes | None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.root == other.root

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a chunk or document, None if it does not exist. Raises StorageError."""
        path = self._sources.confined(self.root / key)
        assert isinstance(path, ObjectPath)
        if byte_range is not None or path.name in DOCUMENTS:
            data = await asyncio.to_thread(_read_part, path, byte_range)
        else:
            data = await self._read_with_others(path)
        prototype = prototype or default_buffer_prototype()
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> Values:
        """Read parts of chunks."""
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def exists(self, key: str) -> bool:
        """Return whether an object exists."""
        return await asyncio.to_thread((self.root / key).is_file)

    async def set(self, key: str, value: Buffer) -> None:
        """Raise ValueError."""
        self._check_writable()

    async def delete(self, key: str) -> None:
        """Raise ValueError."""
        self._check_writable()

    def list(self) -> AsyncIterator[str]:
        """Yield nothing: groups are listed by their documents."""
        return _no_names()

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Yield nothing."""
        return _no_names()

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Yield nothing."""
        return _no_names()

    async def _read_with_others(self, path: ObjectPath) -> bytes | None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes | None] = loop.create_future()
        self._waiting.append((path, future))
        if self._flushing is None:
            # Runs after the tasks that are about to request the other chunks.
            self._flushing = loop.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        most = min(MAX_EXCHANGE_BYTES // self._first, MAX_EXCHANGE_RANGES)
        while self._waiting:
            batch, self._waiting = self._waiting[:most], self._waiting[most:]
            try:
                found = await asyncio.to_thread(self._fetch, [path for path, _ in batch])
            except Exception as error:  # noqa: BLE001 - each of them is raised where it is awaited
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), data in zip(batch, found, strict=True):
                    if not future.done():
                        future.set_result(data)
        self._flushing = None

    def _fetch(self, paths: Sequence[ObjectPath]) -> Found:
        parts = fetch([Range(str(path), 0, self._first) for path in paths])
        found: Found = []
        for path, part in zip(paths, parts, strict=True):
            if part.status is None:
                found.append(None)
                continue
            rest = bytearray(max(part.status.size - len(part.data), 0))
            if rest:
                file = ObjectFile(str(path), part.status)
                file.read_at(len(part.data), memoryview(rest))
            found.append(bytes(part.data) + rest if rest else bytes(part.data))
        return found


def _read_part(path: ObjectPath, wanted: ByteRequest | None) -> bytes | None:
    try:
        file: Any = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        match wanted:
            case RangeByteRequest(start, end):
                file.seek(start)
                found: bytes = file.read(end - start)
            case OffsetByteRequest(offset):
                file.seek(offset)
                found = file.read()
            case SuffixByteRequest(suffix):
                file.seek(max(file.status.size - suffix, 0))
                found = file.read()
            case _:
                found = file.read()
    return found
