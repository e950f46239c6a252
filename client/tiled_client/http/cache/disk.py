"""Entries in an SQLite file, shared by all processes of one user."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from .database import Database, DatabaseUnusable, is_damage
from .entry import CachedResponse

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Uses are written with the next entry, or when there are this many: a hit writes nothing.
MAX_UNWRITTEN_USES = 256
# Entries that are removed at a time, to make room.
REMOVED_AT_ONCE = 16
REMOVE_OLDEST = (
    "DELETE FROM responses WHERE key IN (SELECT key FROM responses ORDER BY used LIMIT ?)"
)


class DiskStore:
    """The store in a folder.

    The database takes `max_bytes` at most. A file that is damaged is replaced by an empty one, with
    a warning; while it is locked, or the disk is full, nothing is found and nothing is kept.

    Parameters
    ----------
    folder
        Where the file is; created if it is missing.
    max_bytes
        Maximum size of the file.
    readonly
        Use what the file has, and change nothing.
    """

    blocks = True

    def __init__(self, folder: Path, max_bytes: int, *, readonly: bool = False) -> None:
        self._database = Database(folder, readonly=readonly)
        self._max_bytes = max_bytes
        self._readonly = readonly
        self._uses: dict[bytes, int] = {}
        self._database.check_folder()
        self.lock = threading.Lock()
        _forks.stores.add(self)

    def get(self, name: bytes) -> CachedResponse | None:
        """Return an entry; see `Store`."""
        return self._try(lambda: self._get(name), None)

    def put(self, name: bytes, entry: CachedResponse) -> None:
        """Keep an entry; see `Store`."""
        if not self._readonly:
            self._try(lambda: self._put(name, entry), None)

    def clear(self) -> None:
        """Remove all entries, and the file's pages with them."""
        if not self._readonly:
            self._try(self._clear, None)

    def usage(self) -> tuple[int, int]:
        """Return the number of entries, and the bytes that they take."""
        return self._try(self._usage, (0, 0))

    def _get(self, name: bytes) -> CachedResponse | None:
        query = "SELECT etag, media_type, checksum, body FROM responses WHERE key = ?"
        connection = self._database.open()
        key = self._database.key(name)
        row = connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        etag, media_type, checksum, body = row
        if zlib.crc32(body) != checksum:
            raise DatabaseUnusable("a body does not have its checksum")
        self._uses[key] = time.time_ns()
        if len(self._uses) >= MAX_UNWRITTEN_USES and not self._readonly:
            with self._transaction() as connection:
                self._write_uses(connection)
        return CachedResponse(etag, media_type, body)

    def _put(self, name: bytes, entry: CachedResponse) -> None:
        with self._transaction() as connection:
            key = self._database.key(name)
            connection.execute("DELETE FROM responses WHERE key = ?", (key,))
            self._write_uses(connection)
            if self._make_room(connection, entry.size):
                checksum = zlib.crc32(entry.body)
                row = (key, entry.etag, entry.media_type, checksum, time.time_ns(), entry.body)
                connection.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?)", row)

    def _make_room(self, connection: sqlite3.Connection, size: int) -> bool:
        """Remove the entries that have not been used for longest; return whether `size` fits."""
        # A body begins on a new page, and so may the nodes of both indices.
        needed = size + 4 * self._database.page_bytes
        while self._database.used_bytes() + needed > self._max_bytes:
            if not connection.execute(REMOVE_OLDEST, (REMOVED_AT_ONCE,)).rowcount:
                return False
        return True

    def _write_uses(self, connection: sqlite3.Connection) -> None:
        uses = [(used, key) for key, used in self._uses.items()]
        self._uses.clear()
        connection.executemany("UPDATE responses SET used = ? WHERE key = ?", uses)

    def _clear(self) -> None:
        self._uses = {}
        with self._transaction() as connection:
            connection.execute("DELETE FROM responses")
        self._database.open().execute("VACUUM")

    def _usage(self) -> tuple[int, int]:
        (count,) = self._database.open().execute("SELECT COUNT(*) FROM responses").fetchone()
        return count, self._database.used_bytes()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._database.open()
        # The lock for writing is taken at once: two readers cannot both become writers.
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _try(self, function: Callable[[], T], otherwise: T) -> T:
        """Return the result of `function`, or `otherwise` if the database cannot be used now."""
        with self.lock:
            try:
                return function()
            except (sqlite3.Error, DatabaseUnusable, OSError) as error:
                if is_damage(error) and not self._readonly:
                    self._database.replace(error)
                else:
                    logger.info("The cache in %s is not available: %s", self._database.path, error)
                return otherwise


class _Forks:
    """Keeps other threads out of SQLite during a fork: the child would wait for its mutexes."""

    def __init__(self) -> None:
        self.stores: WeakSet[DiskStore] = WeakSet()
        self._held: list[DiskStore] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._hold, after_in_parent=self._release, after_in_child=self._release
            )

    def _hold(self) -> None:
        self._held = list(self.stores)
        for store in self._held:
            store.lock.acquire()

    def _release(self) -> None:
        held, self._held = self._held, []
        for store in held:
            store.lock.release()


_forks = _Forks()
