"""Requests for ranges of objects, and their results; also as plain data for a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..errors import StorageError, Unreadable

# Bytes that one exchange with the server process transfers: they are in memory on both sides.
MAX_EXCHANGE_BYTES = 32 << 20
MAX_EXCHANGE_RANGES = 512

Octets = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """Size in bytes, ETag (or what the storage has instead), and time of the last put in ns."""

    size: int
    etag: str
    modified: int


@dataclass(frozen=True, slots=True)
class Range:
    """The bytes from `start` to before `stop` of an object; none of them asks for its status.

    With `etag`, the object must not have changed since. With `known`, its bytes are omitted if it
    has this ETag.
    """

    uri: str
    start: int = 0
    stop: int = 0
    etag: str | None = None
    known: str | None = None


@dataclass(frozen=True, slots=True)
class RangeResult:
    """The status of an object, None if it does not exist, and the bytes: fewer at its end.

    `unchanged` without bytes and status if the object has the ETag that was known.
    """

    status: ObjectStatus | None
    data: Octets = b""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A name directly below a prefix: an object with its status, or a longer prefix (None)."""

    name: str
    status: ObjectStatus | None


def encode_ranges(ranges: Sequence[Range]) -> list[Any]:
    """Return ranges as plain data."""
    return [[one.uri, one.start, one.stop, one.etag, one.known] for one in ranges]


def decode_ranges(value: Any) -> list[Range]:
    """Return ranges from plain data, which an untrusted process sent. Raises Unreadable."""
    found = []
    match value:
        case [*rows] if len(rows) <= MAX_EXCHANGE_RANGES:
            for row in rows:
                match row:
                    case [
                        str(uri),
                        int(start),
                        int(stop),
                        (str() | None) as etag,
                        (str() | None) as known,
                    ] if 0 <= start <= stop:
                        found.append(Range(uri, start, stop, etag, known))
    if not isinstance(value, list) or len(found) < len(value):
        raise Unreadable("The process that reads the object sent a malformed request.")
    if sum(one.stop - one.start for one in found) > MAX_EXCHANGE_BYTES:
        raise Unreadable("The process that reads the object requests too many bytes at once.")
    return found


def encode_part(part: RangeResult | StorageError) -> list[Any]:
    """Return a result as plain data; its bytes are sent as a buffer."""
    if isinstance(part, StorageError):
        later = getattr(part, "retry_after", None)
        return [type(part).__name__, str(part), later]
    status = part.status
    return [None if status is None else encode_status(status), part.unchanged]


def decode_part(value: Any, data: memoryview) -> RangeResult | StorageError:
    """Return a result from plain data of the server process."""
    if len(value) == 3:
        return decode_error(value)
    status, unchanged = value
    return RangeResult(None if status is None else ObjectStatus(*status), data, unchanged)


def encode_status(status: ObjectStatus) -> list[Any]:
    """Return a status as plain data."""
    return [status.size, status.etag, status.modified]


def decode_error(value: Sequence[Any]) -> StorageError:
    """Return an error of the server process from plain data."""
    name, text, later = value
    known: Mapping[str, Any] = vars(errors)
    kind = known.get(name, Unreadable)
    found: StorageError = kind(text) if later is None else kind(text, retry_after=later)
    return found
