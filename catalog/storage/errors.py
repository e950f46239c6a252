"""Exceptions of stored data; their texts are shown to clients.

StorageError
├── OutsideReadable    a file is outside the readable folders
├── MissingFile        a file, or the target of a link in a file, does not exist
├── NoSuchEntry        a container file has no entry of that name
├── Unreadable         a file is damaged, or differs from its declaration
├── NotReady           data are still being written: retry later
├── StorageUnavailable the object storage cannot be reached: retry later
├── Unsupported        a format, or a kind of URI, is not supported
├── Malformed          a request body is not in the format that it claims
├── Oversized          a request body unpacks to too many bytes
├── SchemaMismatch     rows differ from the table's schema
├── UnknownColumn      a table has no such column
└── NoSuchRows         a table has fewer rows
"""

from __future__ import annotations


class StorageError(Exception):
    """Base class of the errors of stored data."""


class OutsideReadable(StorageError):
    """A file lies outside the readable folders."""


class MissingFile(StorageError):
    """A file, a folder, or the target of a link in a file does not exist."""


class NoSuchEntry(StorageError):
    """A container file has no entry of that name."""


class Unreadable(StorageError):
    """A file is damaged, or differs from its declaration."""


class NotReady(StorageError):
    """The data are still being written. `retry_after` is in seconds."""

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageUnavailable(StorageError):
    """The object storage cannot be reached, or rejects requests. `retry_after` is in seconds."""

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unsupported(StorageError):
    """A format, or a kind of URI, is not supported."""


class Malformed(StorageError):
    """A request body is not in the format that it claims."""


class Oversized(StorageError):
    """A request body unpacks to too many bytes."""


class SchemaMismatch(StorageError):
    """Rows differ from the table's schema."""


class UnknownColumn(StorageError):
    """The table has no such column."""


class NoSuchRows(StorageError):
    """The table has fewer rows than requested."""
