"""The client of object storage, with a SeaweedFS."""

from __future__ import annotations

import secrets
import tracemalloc
import urllib.request
from dataclasses import replace

import pytest

from catalog.bucket_config import BucketSettings
from catalog.storage.errors import MissingFile, StorageUnavailable
from catalog.storage.objects.client import PART_BYTES, ObjectStore
from catalog.storage.objects.location import BucketLocation
from tests.buckets import Service


@pytest.fixture
def store(buckets: Service) -> ObjectStore:
    return buckets.store()


def test_objects_are_stored_listed_copied_and_deleted_below_the_prefix(store: ObjectStore) -> None:
    store.put("a/1", b"one")
    store.put("a/2", memoryview(bytearray(b"two")))
    store.put("ab/3", b"three")

    assert bytes(store.get("a/2")) == b"two"
    assert [bytes(one) for one in store.get_ranges("ab/3", [(0, 2), (3, 5)])] == [b"th", b"ee"]
    assert bytes(store.get_range("ab/3", 1, 100)) == b"hree"
    assert sorted(one.name for one in store.list_objects("a")) == ["a/1", "a/2"]
    assert store.list_folder()[0] == ["a", "ab"]
    store.copy("a/1", "c")
    assert store.head("c").size == 3
    assert store.delete_folder("a") == 2
    store.delete(["c", "never"])
    assert [one.name for one in store.list_objects()] == ["ab/3"]


def test_a_new_object_is_stored_once(store: ObjectStore) -> None:
    assert store.put_new("a", b"first")
    assert not store.put_new("a", b"second")
    assert bytes(store.get("a")) == b"first"


def test_a_missing_object_is_a_missing_file(store: ObjectStore) -> None:
    with pytest.raises(MissingFile, match="never"):
        store.get("never")
    with pytest.raises(MissingFile):
        store.get_range("never", 0, 1)
    assert not store.exists("never")


def test_large_objects_are_sent_and_read_in_constant_memory(store: ObjectStore) -> None:
    piece = secrets.token_bytes(1 << 20)
    tracemalloc.start()

    size = store.put_stream("large", (piece for _ in range(97)))
    first = 0
    for found in store.iter_bytes("large"):
        assert (found[:100], len(found) <= PART_BYTES) == (piece[:100], True)
        first += len(found)

    assert size == first == store.head("large").size == 97 << 20
    assert tracemalloc.get_traced_memory()[1] < 8 * PART_BYTES
    tracemalloc.stop()
    assert store.put_stream("small", [b"ab", b"c"]) == 3
    assert bytes(store.get("small")) == b"abc"


def test_a_stream_that_fails_stores_nothing(store: ObjectStore) -> None:
    def pieces() -> object:
        yield bytes(3 * PART_BYTES)
        raise ValueError("the source failed")

    with pytest.raises((ValueError, StorageUnavailable)):
        store.put_stream("half", pieces())  # type: ignore[arg-type]
    assert not store.exists("half")


def test_a_presigned_url_needs_no_credentials(store: ObjectStore) -> None:
    store.put("a", b"content")
    with urllib.request.urlopen(store.presigned_url("a", 60)) as response:
        assert response.read() == b"content"


@pytest.mark.parametrize("change", [{"secret_access_key": "wrong"}, {"access_key_id": "nobody"}])
def test_wrong_credentials_are_an_outage(buckets: Service, change: dict[str, str]) -> None:
    store = ObjectStore(replace(buckets.location(), **change))  # type: ignore[arg-type]
    with pytest.raises(StorageUnavailable, match="credentials") as raised:
        store.put("a", b"")
    assert raised.value.retry_after == 30


def test_an_unreachable_service_is_an_outage_after_bounded_retries() -> None:
    location = BucketLocation(
        "s3://a/b",
        endpoint="http://127.0.0.1:1",
        access_key_id="a",
        secret_access_key="b",
        retries=2,
        retry_timeout=2,
    )
    with pytest.raises(StorageUnavailable, match="Try again"):
        ObjectStore(location).get("a")


@pytest.mark.parametrize(
    "settings",
    [
        {"uri": "bucket/prefix"},
        {"uri": "s3://bucket/../other"},
        {"uri": "s3://key:secret@bucket"},
        {"uri": "s3://bucket", "endpoint": "http://example.org"},
        {"uri": "s3://bucket", "endpoint": "example.org"},
        {"uri": "s3://bucket", "access_key_id": "a"},
        {"uri": "gs://bucket", "endpoint": "https://example.org"},
        {"uri": "gs://bucket", "access_key_id": "a", "secret_access_key": "b"},
    ],
)
def test_wrong_addresses_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="write"):
        BucketSettings(**settings)
