"""A prefix of a bucket from which the server may read, for tests of external files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_django import Settings

from catalog.config import storage_settings
from catalog.storage.bucket_files import access
from catalog.storage.bucket_files.buckets import BucketAccess
from catalog.storage.bucket_files.paths import ObjectPath
from catalog.storage.bucket_files.ranges import Listed, Range, RangeResult
from catalog.storage.errors import StorageError
from catalog.storage.external import readers
from catalog.storage.objects.client import ObjectStore
from tests.buckets import Service


@dataclass(frozen=True)
class BucketFolder:
    """The objects below a fresh prefix; `beside` are those below one that begins alike."""

    store: ObjectStore
    beside: ObjectStore

    @property
    def path(self) -> ObjectPath:
        """The prefix."""
        return ObjectPath.parse(self.store.location.uri)

    def upload(self, path: Path) -> ObjectPath:
        """Put a local file, or the files below a folder, under the same name."""
        for one in path.rglob("*") if path.is_dir() else [path]:
            if one.is_file():
                self.store.put(one.relative_to(path.parent).as_posix(), one.read_bytes())
        return self.path / path.name


def make_folder(buckets: Service) -> BucketFolder:
    """Return a fresh prefix of the bucket."""
    store = buckets.store()
    return BucketFolder(store, buckets.store(store.prefix.rpartition("/")[2] + "2"))


def allow(settings: Settings, service: Service, *readable: Path, **changes: Any) -> None:
    """Let the site of this process read from these places."""
    update = {
        "readable": list(readable),
        "endpoint": service.endpoint,
        "access_key_id": service.key,
        "secret_access_key": service.secret,
        "retry_timeout": 1.0,
        **changes,
    }
    storage = settings.TILED.storage.model_copy(update=update)
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})


class CountingAccess(BucketAccess):
    """An access that counts its requests to the object storage, and their bytes."""

    def __init__(self) -> None:
        super().__init__(lambda path: storage_settings().location_of(path))
        self.requests = self.exchanges = self.octets = 0

    def fetch(self, ranges: Any) -> list[RangeResult | StorageError]:
        """Read ranges."""
        self.exchanges += 1
        return super().fetch(ranges)

    def list_names(self, uri: str) -> list[Listed]:
        """List names."""
        self.requests += 1
        return super().list_names(uri)

    def _part(self, wanted: Range) -> RangeResult:
        self.requests += 1
        found = super()._part(wanted)
        self.octets += len(found.data)
        return found


@contextmanager
def counted() -> Iterator[CountingAccess]:
    """Count the requests of this process in a block."""
    before, made = readers.objects(), CountingAccess()
    readers.use_objects(made)
    try:
        yield made
    finally:
        readers.use_objects(before)
        access.use(before)
