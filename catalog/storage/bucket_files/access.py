"""Access of this process to objects.

The server process sends requests to the object storage. A confined process asks the server, by an
access that is valid during one request (`begin`); what it learns of objects counts for that long.

| what a confined process knows of an object | entered by | left by |
| --- | --- | --- |
| nothing | `begin` | `look_up` |
| its status and first block | `look_up` | `begin` |
| that it does not exist | `look_up` | `begin` |
| that asking failed, with the error | a failed read | `begin`, `take_failure` |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import StorageError, Unsupported
from .blocks import BLOCK_BYTES, BLOCKS
from .ranges import MAX_EXCHANGE_BYTES, Listed, ObjectStatus, Range, RangeResult


class Access(Protocol):
    """Reads ranges of objects, and lists names."""

    def fetch(self, ranges: Sequence[Range]) -> list[RangeResult | StorageError]:
        """Return the results of some ranges, in their order, read in parallel."""
        ...

    def list_names(self, uri: str) -> list[Listed]:
        """Return the names directly below a prefix. Raises StorageError."""
        ...

    def walk(self, uri: str) -> Iterator[Listed]:
        """Yield all objects below a prefix by their relative names. Raises StorageError."""
        ...


class NoAccess:
    """The access of a process that has none."""

    def fetch(self, ranges: Sequence[Range]) -> list[RangeResult | StorageError]:
        """Raise Unsupported."""
        raise Unsupported(f"This process cannot read {ranges[0].uri}.")

    def list_names(self, uri: str) -> list[Listed]:
        """Raise Unsupported."""
        raise Unsupported(f"This process cannot list {uri}.")

    def walk(self, uri: str) -> Iterator[Listed]:
        """Raise Unsupported."""
        raise Unsupported(f"This process cannot list {uri}.")


@dataclass(slots=True)
class _Reading:
    """The access, and what is known of objects; nothing is remembered with `statuses` None."""

    access: Access = field(default_factory=NoAccess)
    statuses: dict[str, ObjectStatus | None] | None = None
    failure: tuple[str, StorageError] | None = None
    """The URI of an object that could not be read, and the error."""


_reading = _Reading()


def use(access: Access) -> None:
    """Use an access from now on, for any thread, and remember no status of an object."""
    global _reading
    _reading = _Reading(access)


def begin(access: Access) -> None:
    """Use an access for one request of a process that serves one at a time."""
    global _reading
    _reading = _Reading(access, {})


def look_up(uris: Iterable[str]) -> list[ObjectStatus | None]:
    """Return the status of each object, None for those that do not exist.

    In a confined process, the first block of each is read in the same exchange. Raises
    StorageError.
    """
    wanted = list(uris)
    known = {} if _reading.statuses is None else _reading.statuses
    missing = [uri for uri in dict.fromkeys(wanted) if uri not in known]
    # Without a cache, the bytes would be dropped.
    stop = 0 if _reading.statuses is None else BLOCK_BYTES
    step = max(MAX_EXCHANGE_BYTES // max(stop, 1 << 16), 1)
    for first in range(0, len(missing), step):
        ranges = []
        for uri in missing[first : first + step]:
            seen = BLOCKS.seen(uri) if stop else None
            ranges.append(Range(uri, 0, stop, known=seen.etag if seen else None))
        for part, one in zip(fetch(ranges), ranges, strict=True):
            known[one.uri] = _noted(one, part)
    return [known[uri] for uri in wanted]


def fetch(ranges: Sequence[Range]) -> list[RangeResult]:
    """Read ranges in one exchange. Raises StorageError, and keeps it for `take_failure`."""
    failed = ranges[0].uri if ranges else ""
    try:
        results = []
        for wanted, found in zip(ranges, _reading.access.fetch(ranges), strict=True):
            if isinstance(found, StorageError):
                failed = wanted.uri
                raise found
            results.append(found)
    except StorageError as error:
        _reading.failure = failed, error
        raise
    return results


def list_names(uri: str) -> list[Listed]:
    """Return the names directly below a prefix. Raises StorageError."""
    return _reading.access.list_names(uri)


def walk(uri: str) -> Iterator[Listed]:
    """Yield all objects below a prefix by their relative names. Raises StorageError."""
    return _reading.access.walk(uri)


def take_failure(paths: Iterable[Path]) -> StorageError | None:
    """Return the error of the last read that failed, if that was of one of `paths`; forget it.

    Libraries of formats replace errors. Another thread may have failed to read other files.
    """
    failure = _reading.failure
    if failure is None:
        return None
    uri, error = failure
    if not any(f"{uri}/".startswith(f"{path}/") for path in paths):
        return None
    _reading.failure = None
    return error


def _noted(wanted: Range, part: RangeResult) -> ObjectStatus | None:
    status = BLOCKS.seen(wanted.uri) if part.unchanged else part.status
    if status is not None and wanted.stop and not part.unchanged:
        BLOCKS.put(wanted.uri, status.etag, 0, bytes(part.data))
        BLOCKS.note(wanted.uri, status)
    return status
