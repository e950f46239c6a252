"""One tree of what goes wrong with stored data; the text says it to the person who asked.

StorageError
├── OutsideReadable    a file outside the folders that may be read
├── MissingFile        a file, or what a link in a file leads to, that is not there
├── NoSuchEntry        a file that holds others has nothing of that name
├── Unreadable         a file that is damaged, or does not hold what was declared
├── NotReady           data that are still arriving: ask again
├── Unsupported        a format, or a kind of address, that cannot be read
├── Malformed          a request's body that is not what it claims to be
├── Oversized          a request's body that would take too much memory
├── SchemaMismatch     rows that do not go with the table's schema
├── UnknownColumn      a table has no such column
└── NoSuchRows         a table has fewer rows
"""

from __future__ import annotations


class StorageError(Exception):
    """Something about stored data, or data to be stored, is wrong."""


class OutsideReadable(StorageError):
    """A file lies outside the folders that may be read."""


class MissingFile(StorageError):
    """A file, a folder, or what a link in a file leads to is not there."""


class NoSuchEntry(StorageError):
    """A file that holds others has nothing of that name."""


class Unreadable(StorageError):
    """A file is damaged, or does not hold what was declared."""


class NotReady(StorageError):
    """The data are still arriving. `retry_after` is in seconds."""

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unsupported(StorageError):
    """A format, or a kind of address, that cannot be read."""


class Malformed(StorageError):
    """A request's body is not what it claims to be."""


class Oversized(StorageError):
    """A request's body would take too much memory once it is unpacked."""


class SchemaMismatch(StorageError):
    """Rows do not go with the table's schema."""


class UnknownColumn(StorageError):
    """The table has no such column."""


class NoSuchRows(StorageError):
    """The table has fewer rows than were asked for."""
