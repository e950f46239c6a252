"""HTTP statuses of storage errors."""

from __future__ import annotations

from ..storage.errors import (
    Malformed,
    MissingFile,
    NoSuchEntry,
    NoSuchRows,
    NotReady,
    OutsideReadable,
    Oversized,
    SchemaMismatch,
    StorageUnavailable,
    UnknownColumn,
    Unreadable,
    Unsupported,
)

STORAGE_STATUS: dict[type[Exception], int] = {
    OutsideReadable: 403,
    MissingFile: 410,
    Unreadable: 422,
    NotReady: 503,
    StorageUnavailable: 503,
    Unsupported: 415,
    Malformed: 422,
    Oversized: 413,
    SchemaMismatch: 422,
    UnknownColumn: 400,
    NoSuchEntry: 404,
    NoSuchRows: 400,
}
