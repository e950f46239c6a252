"""Read and write the objects below a prefix of a bucket.

All methods block, release the GIL, and may be called from any thread. A request is repeated a
bounded number of times, so a put may be done although it has raised an error: names are
used for one content only (see `ObjectStore.put_new`), and repeating a put is harmless.

Every method raises StorageUnavailable if the bucket cannot be reached, does not exist or rejects
the credentials.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import obstore
from obstore import exceptions

from ..errors import MissingFile
from .failures import translated
from .location import BucketLocation, FolderLocation
from .parts import CountedPieces, split_parts

if TYPE_CHECKING:
    from typing_extensions import Buffer

Item = TypeVar("Item")
Result = TypeVar("Result")

# Bytes per part of a multipart upload and per request of a stream: S3 takes 10,000 parts.
PART_BYTES = 8 << 20
# Requests in flight per process for one operation of many objects.
PARALLEL = 16
# Bytes that these may have in memory, where they say how many.
MAX_BYTES = 64 << 20
LIST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Name (relative to the prefix), size in bytes, and time of the last put of an object."""

    name: str
    size: int
    modified: datetime


class ObjectStore:
    """The objects below the prefix of a location, or of a part of it (`within`)."""

    def __init__(self, location: BucketLocation | FolderLocation, within: str = "") -> None:
        self.location = location
        self.prefix = "/".join(part for part in (location.prefix, within) if part)

    def __repr__(self) -> str:
        return f"ObjectStore({self.address('')!r})"

    def address(self, name: str) -> str:
        """Return the URI of an object: `s3://bucket/prefix/name`."""
        parts = (self.location.bucket, self.prefix, name)
        return f"{self.location.scheme}://" + "/".join(part for part in parts if part)

    def outside(self, prefix: str) -> ObjectStore:
        """Return the objects below another prefix of the bucket."""
        other = ObjectStore(self.location)
        other.prefix = prefix
        return other

    @cached_property
    def _store(self) -> Any:
        # At first use: obstore's threads do not survive a fork.
        return self.location.connect(self.prefix)

    def put(self, name: str, data: Buffer, *, file_name: str = "") -> None:
        """Store an object of one request, replacing one of the same name.

        Browsers and clients that download it save it under `file_name`, which is plain ASCII.
        """
        attributes = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        with translated(name, missing_is_object=False):
            obstore.put(
                self._store,
                name,
                _flat(data),
                use_multipart=False,
                attributes=attributes if file_name else None,
            )

    def put_new(self, name: str, data: Buffer) -> bool:
        """Store an object unless one of the name exists; return whether it was stored.

        False may also mean that an earlier attempt of this call stored it, and its answer was
        lost: compare the contents, or use another name.
        """
        try:
            with translated(name, missing_is_object=False):
                obstore.put(self._store, name, _flat(data), use_multipart=False, mode="create")
        except exceptions.AlreadyExistsError:
            return False
        return True

    def put_stream(self, name: str, pieces: Iterable[Buffer]) -> int:
        """Store an object of any size in constant memory; return its size in bytes.

        It becomes visible as a whole, or not at all.
        """
        counted = CountedPieces(split_parts(pieces, PART_BYTES))
        first = next(counted, b"")
        if len(first) < PART_BYTES:
            self.put(name, first)
            return counted.size
        with translated(name, missing_is_object=False):
            obstore.put(
                self._store,
                name,
                chain([first], counted),
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=2,
            )
        return counted.size

    def get(self, name: str) -> memoryview:
        """Return the bytes of an object. Raises MissingFile."""
        with translated(name):
            return memoryview(obstore.get(self._store, name).bytes())

    def get_range(self, name: str, start: int, stop: int) -> memoryview:
        """Return the bytes from `start` to before `stop`. Raises MissingFile.

        Fewer are returned if the object ends before.
        """
        if stop <= start:
            return memoryview(b"")
        with translated(name):
            return memoryview(obstore.get_range(self._store, name, start=start, end=stop))

    def get_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Return the bytes of several ranges; near ones are read in one request.

        Raises MissingFile.
        """
        with translated(name):
            found = obstore.get_ranges(
                self._store,
                name,
                starts=[start for start, _ in ranges],
                ends=[stop for _, stop in ranges],
            )
        return [memoryview(one) for one in found]

    def iter_bytes(
        self, name: str, start: int = 0, stop: int | None = None
    ) -> Iterator[memoryview]:
        """Yield the bytes of an object in pieces, one request each. Raises MissingFile."""
        end = self.head(name).size if stop is None else stop
        for begin in range(start, end, PART_BYTES):
            yield self.get_range(name, begin, min(begin + PART_BYTES, end))

    def head(self, name: str) -> ObjectInfo:
        """Return size and time of an object. Raises MissingFile."""
        with translated(name):
            return _info(obstore.head(self._store, name))

    def exists(self, name: str) -> bool:
        """Return whether an object of this name exists."""
        try:
            self.head(name)
        except MissingFile:
            return False
        return True

    def list_objects(self, folder: str = "", *, after: str | None = None) -> Iterator[ObjectInfo]:
        """Yield the objects below a folder, in no particular order, a page at a time.

        `after` omits all names up to this one, in the order of their UTF-8 bytes.
        """
        with translated(folder, missing_is_object=False):
            pages = iter(
                obstore.list(self._store, folder or None, offset=after, chunk_size=LIST_PAGE)
            )
        while True:
            with translated(folder, missing_is_object=False):
                page = next(pages, None)
            if page is None:
                return
            yield from map(_info, page)

    def list_folder(self, folder: str = "") -> tuple[list[str], list[ObjectInfo]]:
        """Return the names of the folders and the objects directly in a folder."""
        with translated(folder, missing_is_object=False):
            found = obstore.list_with_delimiter(self._store, folder or None)
        return list(found["common_prefixes"]), [_info(one) for one in found["objects"]]

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, in requests of many; those that do not exist are ignored."""
        batch: list[str] = []
        for name in names:
            batch.append(name)
            if len(batch) == LIST_PAGE:
                self._delete(batch)
                batch = []
        if batch:
            self._delete(batch)

    def delete_folder(self, folder: str) -> int:
        """Delete all objects below a folder; return their number."""
        count = 0

        def names() -> Iterator[str]:
            nonlocal count
            for found in self.list_objects(folder):
                count += 1
                yield found.name

        self.delete(names())
        return count

    def _delete(self, names: Sequence[str]) -> None:
        # Google and Azure report missing objects, S3 does not.
        try:
            with translated(names[0]):
                obstore.delete(self._store, list(names))
        except MissingFile:
            for name in names:
                self._delete_one(name)

    def _delete_one(self, name: str) -> None:
        try:
            with translated(name):
                obstore.delete(self._store, name)
        except MissingFile:
            pass

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the bucket, replacing `target`. Raises MissingFile."""
        with translated(source):
            obstore.copy(self._store, source, target)

    def presigned_url(self, name: str, seconds: float) -> str:
        """Return a URL that anonymous clients can download an object from, for some time."""
        with translated(name):
            url: str = obstore.sign(self._store, "GET", name, timedelta(seconds=seconds))
        return url

    def parallel(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        most: int = PARALLEL,
        nbytes: Callable[[Item], int] = lambda _: 0,
    ) -> Iterator[Result]:
        """Yield `function(item)` for each of `items`, in order; up to `most` at the same time.

        Several items run together only while the sum of their `nbytes` is at most MAX_BYTES.
        `function` calls methods of this class, and not `parallel` itself. If one call raises,
        those that have begun are awaited, and no others begin.
        """
        waiting = iter(items)
        first = list(islice(waiting, 2))
        if len(first) < 2:
            yield from map(function, first)
            return
        running: deque[tuple[Future[Result], int]] = deque()
        load = 0
        try:
            for item in chain(first, waiting):
                size = nbytes(item)
                while running and (len(running) >= most or load + size > MAX_BYTES):
                    future, done = running.popleft()
                    load -= done
                    yield future.result()
                running.append((_threads().submit(function, item), size))
                load += size
            while running:
                yield running.popleft()[0].result()
        finally:
            for future, _ in running:
                future.cancel()
            wait([future for future, _ in running])


_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    """Return the threads of this process, made at first use."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="objects")
        return _pool


def _flat(data: Buffer) -> Any:
    """Return the bytes of a buffer as obstore takes them."""
    return data if isinstance(data, bytes) else memoryview(data).cast("B")


def _info(found: Any) -> ObjectInfo:
    return ObjectInfo(found["path"], found["size"], found["last_modified"])
