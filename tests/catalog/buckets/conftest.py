"""A site whose storage is a bucket, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from django.conf import LazySettings

from catalog.services.stores.bucket.storage import BucketStorage
from catalog.services.stores.site import storage
from tests.buckets import Service

Use = Callable[[str], BucketStorage]


@pytest.fixture
def use(buckets: Service, settings: LazySettings, transactional_db: None) -> Use:
    """Have the site use a prefix of the bucket, a fresh one unless named."""

    def choose(prefix: str = "", endpoint: str = "", **changes: object) -> BucketStorage:
        location = buckets.location(prefix)
        update = {
            "uri": location.uri,
            "endpoint": endpoint or location.endpoint,
            "access_key_id": location.access_key_id,
            "secret_access_key": location.secret_access_key,
            **changes,
        }
        section = settings.TILED.storage.model_copy(update=update)
        settings.TILED = settings.TILED.model_copy(update={"storage": section})
        return cast("BucketStorage", storage())

    return cast("Use", choose)


@pytest.fixture
def bucket(use: Use) -> BucketStorage:
    """The storage of a site in a fresh prefix of the bucket."""
    return use("")
