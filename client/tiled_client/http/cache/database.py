"""The SQLite file of a cache: opening it, and replacing one that is damaged."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import warnings
from pathlib import Path

FILE_NAME = "responses.sqlite"
# Of the header of the file: whose it is, and what tables it has.
APPLICATION_ID = 0x74696C63
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE responses (
    key BLOB PRIMARY KEY,
    etag TEXT NOT NULL,
    media_type TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    used INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX responses_used ON responses (used);
CREATE TABLE salt (value BLOB NOT NULL);
"""
LOCK_TIMEOUT_SECONDS = 0.5

# Connections of a parent process, which a forked one must neither use nor close.
_of_parents: list[sqlite3.Connection] = []


class DatabaseUnusable(Exception):
    """The file is not what this version of the client writes."""


class Database:
    """The file, with one connection in each process. Its user has a lock around all methods."""

    def __init__(self, folder: Path, *, readonly: bool) -> None:
        self.path = folder / FILE_NAME
        self._readonly = readonly
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._inode = 0
        self._salt = b""
        self.page_bytes = 0

    def check_folder(self) -> None:
        """Raise OSError if there cannot be a file."""
        if self._readonly:
            self.path.stat()
        else:
            self._create()

    def key(self, name: bytes) -> bytes:
        """Return the key of an entry in the file that is open.

        A name contains an API key or a token. Its digest depends on random bytes that the file was
        created with, so that guessing needs the file.
        """
        return hashlib.blake2b(name, key=self._salt, digest_size=32).digest()

    def open(self) -> sqlite3.Connection:
        """Return the connection of this process. Raises sqlite3.Error, OSError."""
        if self._process != os.getpid():
            if self._connection is not None:
                _of_parents.append(self._connection)
            self._connection, self._process = None, os.getpid()
        if self._connection is None:
            try:
                self._connection = self._connect()
            except (sqlite3.DatabaseError, DatabaseUnusable) as error:
                if self._readonly or not is_damage(error):
                    raise
                self.replace(error)
                self._connection = self._connect()
        return self._connection

    def replace(self, why: Exception) -> None:
        """Remove the file and warn, so that `open` makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.path.exists() and self.path.stat().st_ino != self._inode:
            return  # another process has replaced it
        warnings.warn(
            f"The cache {self.path} is damaged and was emptied: {why}.",
            RuntimeWarning,
            stacklevel=2,
        )
        for suffix in ("-journal", ""):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def used_bytes(self) -> int:
        """Return the bytes of the pages in use; the file may have free ones besides."""
        connection = self.open()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        return int((pages - free) * self.page_bytes)

    def _create(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its journal the mode of the file.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        self.path.chmod(0o600)

    def _connect(self) -> sqlite3.Connection:
        uri = self.path.absolute().as_uri()
        if self._readonly:
            uri += "?mode=ro"
        else:
            self._create()
        self._inode = self.path.stat().st_ino
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=LOCK_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if not self._readonly:
                _prepare(connection)
            self._salt = _check(connection)
            (self.page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def is_damage(error: Exception) -> bool:
    """Return whether an error means that the file is not a database, or not as it was written."""
    if isinstance(error, DatabaseUnusable):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set up a connection, and a new file with the tables."""
    # Without waiting for the disk: what a power failure damages is replaced.
    connection.execute("PRAGMA synchronous = OFF")
    # Not a write-ahead log, which does not work on the file systems of networks.
    connection.execute("PRAGMA journal_mode = TRUNCATE")
    if connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        (pages,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if not pages:  # another process may have been first
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO salt VALUES (?)", (os.urandom(16),))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def _check(connection: sqlite3.Connection) -> bytes:
    """Return the salt of a file. Raises DatabaseUnusable, sqlite3.DatabaseError."""
    found = (
        connection.execute("PRAGMA application_id").fetchone()[0],
        connection.execute("PRAGMA user_version").fetchone()[0],
    )
    if found != (APPLICATION_ID, SCHEMA_VERSION):
        raise DatabaseUnusable("it is of another program or version")
    row = connection.execute("SELECT value FROM salt").fetchone()
    if row is None:
        raise DatabaseUnusable("it has no salt")
    return bytes(row[0])
