"""`Cache`: responses that are reused as long as the server confirms that they are current."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

from ...arguments import check_positive
from ..pickling import reduce_shared
from .entry import CachedResponse, Store
from .memory import MemoryStore

MEMORY_BYTES = 32 * 2**20
DISK_BYTES = 512 * 2**20
ITEM_BYTES = 2**20


class Cache:
    """A cache of metadata, listings and small reads, in memory or on disk.

    A request for what the cache has is sent with the ETag (`If-None-Match`). The server answers
    with the new contents, or in a few bytes with 304, so that a response is never out of date.
    Entries belong to one server and one principal: one API key, or one user. Those that have not
    been used for longest are removed first. Thread-safe; several clients may share a cache, and
    several processes one on disk.

    Parameters
    ----------
    folder
        Where to keep responses on disk, in a file that only this user can read; in memory if it is
        left out. Not on a file system without reliable locks, as NFS may be.
    max_bytes
        Maximum size of all entries: 32 MiB in memory, and 512 MiB on disk if it is left out.
    max_item_bytes
        Larger responses are not kept.
    readonly
        Use what a folder has, and change nothing.

    Raises
    ------
    ValueError
        For a size that is not positive, or a read-only cache without a folder.
    OSError
        If the folder cannot be created, or a read-only cache has no file.

    Examples
    --------
    >>> cache = Cache("~/.cache/beamline")  # doctest: +SKIP
    >>> client = from_uri("http://localhost:8000", cache=cache)  # doctest: +SKIP
    >>> cache  # doctest: +SKIP
    <Cache '/home/me/.cache/beamline' 12 entries, 0.4 of 512.0 MiB, 30 hits, 12 misses>
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        max_bytes: int | None = None,
        max_item_bytes: int = ITEM_BYTES,
        readonly: bool = False,
    ) -> None:
        if readonly and folder is None:
            raise ValueError("A read-only cache needs a folder that has a cache.")
        if max_bytes is None:
            max_bytes = MEMORY_BYTES if folder is None else DISK_BYTES
        self.folder = None if folder is None else Path(folder).expanduser()
        self.max_bytes, self.max_item_bytes, self.readonly = max_bytes, max_item_bytes, readonly
        check_positive(self, "max_bytes", "max_item_bytes")
        self._store = self._open_store()
        self._lock = threading.Lock()
        self._hits = self._misses = self._reused_bytes = 0

    @property
    def hits(self) -> int:
        """Requests that the server answered with 304."""
        return self._hits

    @property
    def misses(self) -> int:
        """Requests for which the server sent the contents."""
        return self._misses

    @property
    def reused_bytes(self) -> int:
        """Bytes of the bodies that the server did not have to send."""
        return self._reused_bytes

    @property
    def used_bytes(self) -> int:
        """Bytes that the entries take."""
        return self._store.usage()[1]

    def __len__(self) -> int:
        return self._store.usage()[0]

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        count, used = self._store.usage()
        place = "in memory" if self.folder is None else repr(str(self.folder))
        return (
            f"<Cache {place} {count} entries, {used / 2**20:.1f} of {self.max_bytes / 2**20:.1f} "
            f"MiB, {self.hits} hits, {self.misses} misses>"
        )

    def clear(self) -> None:
        """Remove all entries, those of other servers and principals, too.

        Raises
        ------
        ValueError
            If the cache is read-only.
        """
        if self.readonly:
            raise ValueError("This cache is read-only: open it without readonly to clear it.")
        self._store.clear()

    @property
    def blocks(self) -> bool:
        """Whether `find` and `keep` wait for a disk."""
        return self._store.blocks

    def find(self, name: bytes) -> CachedResponse | None:
        """Return the entry of a request, or None."""
        return self._store.get(name)

    def keep(self, name: bytes, entry: CachedResponse) -> None:
        """Keep a response, unless it is too large."""
        if len(entry.body) <= self.max_item_bytes:
            self._store.put(name, entry)

    def tally(self, reused: CachedResponse | None) -> None:
        """Count a request by the entry that it reused."""
        with self._lock:
            self._hits += reused is not None
            self._misses += reused is None
            self._reused_bytes += 0 if reused is None else len(reused.body)

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.folder, self.max_bytes, self.max_item_bytes, self.readonly)
        return reduce_shared(self, _restore, *state)

    def _open_store(self) -> Store:
        if self.folder is None:
            return MemoryStore(self.max_bytes)
        # Some builds of Python have no SQLite.
        from .disk import DiskStore

        return DiskStore(self.folder, self.max_bytes, readonly=self.readonly)


def cache_of(value: Cache | str | os.PathLike[str] | bool | None) -> Cache | None:
    """Return the cache that an argument means; see `from_uri`. Raises TypeError."""
    match value:
        case None | False:
            return None
        case True:
            return Cache()
        case Cache():
            return value
        case str() | os.PathLike():
            return Cache(value)
    raise TypeError(f"cache must be a folder, a Cache, True or False, not {value!r}")


def _restore(folder: Path | None, max_bytes: int, max_item_bytes: int, readonly: bool) -> Cache:
    """Return a cache in the place of one that was pickled: empty, if it is in memory."""
    return Cache(folder, max_bytes=max_bytes, max_item_bytes=max_item_bytes, readonly=readonly)
