"""The bucket of this site."""

from __future__ import annotations

from functools import lru_cache

from ...config import storage_settings
from ...storage.objects.client import ObjectStore
from ...storage.objects.location import BucketLocation


def object_store() -> ObjectStore:
    """Return the objects below the prefix of this site."""
    location = storage_settings().bucket
    assert location is not None
    return objects_at(location)


@lru_cache(maxsize=8)
def objects_at(location: BucketLocation) -> ObjectStore:
    """Return the objects of a location, with connections that the process shares."""
    return ObjectStore(location)
