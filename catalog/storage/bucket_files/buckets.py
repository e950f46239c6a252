"""Ranged requests to the object storage, in the server process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import obstore
from obstore import exceptions

from ..errors import MissingFile, NotReady, StorageError, StorageUnavailable, Unreadable
from ..objects.failures import reason
from ..objects.location import BucketLocation
from .paths import ObjectPath, parse_path
from .ranges import Listed, ObjectStatus, Range, RangeResult

if TYPE_CHECKING:
    from obstore import GetOptions

# Requests in flight per server process.
PARALLEL = 16

Locate = Callable[[ObjectPath], BucketLocation]
"""Returns how to reach the bucket of an object. Raises OutsideReadable."""


class BucketAccess:
    """Reads objects with the credentials of the site."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._stores: dict[BucketLocation, Any] = {}

    def fetch(self, ranges: Sequence[Range]) -> list[RangeResult | StorageError]:
        """Return the results of some ranges, read in parallel."""
        away: list[StorageError] = []
        if len(ranges) == 1:
            return [self._result(ranges[0], away)]
        return list(_threads().map(partial(self._result, away=away), ranges))

    def list_names(self, uri: str) -> list[Listed]:
        """Return the names directly below a prefix, sorted. Raises StorageError."""
        path = _object_path(uri)
        with _translated(path):
            found = obstore.list_with_delimiter(self._store(path), path.key or None)
        start = len(path.key) + 1 if path.key else 0
        below = [Listed(one[start:], None) for one in found["common_prefixes"]]
        objects = [Listed(one["path"][start:], _status(one)) for one in found["objects"]]
        named = {one.name: one for one in (*below, *objects) if one.name.strip("/")}
        return sorted(named.values(), key=lambda one: one.name)

    def walk(self, uri: str) -> Iterator[Listed]:
        """Yield all objects below a prefix by their relative names. Raises StorageError."""
        path = _object_path(uri)
        start = len(path.key) + 1 if path.key else 0
        with _translated(path):
            for page in obstore.list(self._store(path), path.key or None):
                for one in page:
                    yield Listed(one["path"][start:], _status(one))

    def _result(self, wanted: Range, away: list[StorageError]) -> RangeResult | StorageError:
        """Return a result; `away` has the error if the storage could not be reached before."""
        if away:
            # Each of the others would wait as long as the first one did.
            return away[0]
        try:
            return self._part(wanted)
        except StorageUnavailable as error:
            away.append(error)
            return error
        except StorageError as error:
            return error

    def _part(self, wanted: Range) -> RangeResult:
        path = _object_path(wanted.uri)
        if not path.key:
            return RangeResult(None)
        try:
            with _translated(path):
                status, data = self._read(path, wanted)
        except FileNotFoundError:
            return RangeResult(None)
        except exceptions.NotModifiedError:
            return RangeResult(None, unchanged=True)
        if wanted.etag is not None and status.etag != wanted.etag:
            raise NotReady(f"{path} was replaced while it was read. Read it again.")
        return RangeResult(status, data)

    def _read(self, path: ObjectPath, wanted: Range) -> tuple[ObjectStatus, memoryview]:
        store = self._store(path)
        if wanted.stop <= wanted.start:
            return _status(obstore.head(store, path.key)), memoryview(b"")
        options: GetOptions = {"range": (wanted.start, wanted.stop)}
        # Other values than an ETag are made here (see `_status`).
        if wanted.known is not None and wanted.known.startswith(('"', "W/")):
            options["if_none_match"] = wanted.known
        try:
            found = obstore.get(store, path.key, options=options)
            return _status(found.meta), memoryview(found.bytes())
        except exceptions.GenericError as error:
            # The storage has no range of an empty object, nor one behind the end.
            if "416" not in reason(error):
                raise
            return _status(obstore.head(store, path.key)), memoryview(b"")

    def _store(self, path: ObjectPath) -> Any:
        location = self._locate(path)
        found = self._stores.get(location)
        if found is None:
            found = self._stores[location] = location.connect("")
        return found


def _object_path(uri: str) -> ObjectPath:
    path = parse_path(uri)
    if not isinstance(path, ObjectPath):
        raise Unreadable(f"{uri!r:.200} is not an object.")
    return path


def _status(found: Any) -> ObjectStatus:
    """Return size and identity of an object; without an ETag, its version, or time and size."""
    modified = int(found["last_modified"].timestamp() * 1_000_000_000)
    etag = found.get("e_tag") or found.get("version") or f"{modified:x}-{found['size']:x}"
    return ObjectStatus(found["size"], etag, modified)


@contextmanager
def _translated(path: ObjectPath) -> Iterator[None]:
    """Raise StorageError for the failures of requests; pass FileNotFoundError of an object."""
    bucket = f"{path.scheme}://{path.bucket}"
    try:
        yield
    except (StorageError, exceptions.NotModifiedError):
        raise
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise MissingFile(f"The bucket {bucket} does not exist.") from error
        raise
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise Unreadable(
            f"The object storage denies access to {path}: check the credentials of the server for "
            f"{bucket} (storage.buckets), and what they permit."
        ) from error
    except (exceptions.BaseError, OSError, ValueError) as error:
        text = reason(error)
        if "NoSuchBucket" in text:
            raise MissingFile(f"The bucket {bucket} does not exist.") from error
        raise StorageUnavailable(
            f"The object storage of {bucket} cannot be reached, or is too busy. Try again soon."
        ) from error


_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


def _threads() -> ThreadPoolExecutor:
    """Return the threads of this process, made at first use."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="bucket-files")
        return _pool


def _reset_after_fork() -> None:
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
