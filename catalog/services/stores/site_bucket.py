"""The bucket of this site."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from ...config import storage_settings
from ...storage.objects.client import ObjectStore
from ...storage.objects.location import BucketLocation


def object_store() -> ObjectStore:
    """Return the objects below the prefix of this site."""
    location = storage_settings().bucket
    assert location is not None
    return _store(location)


@lru_cache(maxsize=8)
def _store(location: BucketLocation) -> ObjectStore:
    return ObjectStore(location)


def node_prefix(node: UUID) -> str:
    """Return what the names of all objects of a node begin with, before a slash."""
    return f"{node.hex[:2]}/{node.hex}"
