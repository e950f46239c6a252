"""Objects as files, and the questions of confined processes that read them."""

from __future__ import annotations

import io
import random
import secrets
from pathlib import Path
from typing import Any

import pytest

from catalog.config import StorageSettings
from catalog.storage.bucket_files import access
from catalog.storage.bucket_files.broker import Broker, BrokeredAccess
from catalog.storage.bucket_files.buckets import BucketAccess
from catalog.storage.bucket_files.files import DIRECT_BYTES
from catalog.storage.bucket_files.paths import ObjectPath, parse_path
from catalog.storage.bucket_files.ranges import MAX_EXCHANGE_BYTES
from catalog.storage.errors import NotReady, Unsupported
from catalog.storage.objects.client import ObjectStore
from tests.buckets import Service


@pytest.fixture
def store(buckets: Service) -> ObjectStore:
    return buckets.store()


@pytest.fixture
def own(store: ObjectStore) -> BucketAccess:
    """The access of a server process."""
    return BucketAccess(lambda path: store.location)


def confine(own: BucketAccess, *paths: ObjectPath, private: ObjectPath | None = None) -> None:
    """Read as a confined process would that was called for these paths."""

    def is_readable(path: Path) -> bool:
        return private is None or not path.is_relative_to(private)

    def ask(question: Any) -> Any:
        value, buffers = Broker(own, paths, is_readable).answer(question)
        return value, [memoryview(bytearray(buffer)) for buffer in buffers]

    access.begin(BrokeredAccess(ask))


def path_of(store: ObjectStore, name: str) -> ObjectPath:
    return ObjectPath.parse(store.address(name))


def test_an_object_reads_like_a_file(store: ObjectStore, own: BucketAccess) -> None:
    expected = random.Random(7).randbytes(DIRECT_BYTES + 3_000_001)
    store.put_stream("a.bin", [expected])
    path = path_of(store, "a.bin")
    confine(own, path)
    choices = random.Random(1)
    with path.open("rb") as file:
        reference = io.BytesIO(expected)
        for _ in range(60):
            place = choices.choice((0, choices.randrange(len(expected)), len(expected) - 5))
            size = choices.choice((0, 1, 700, 1 << 20, (1 << 20) + 1, 5_000_000))
            assert file.seek(place) == reference.seek(place)
            assert file.read(size) == reference.read(size)
        file.seek(0)
        assert file.read() == expected
        assert (file.tell(), file.read(1)) == (len(expected), b"")
    store.put("empty", b"")
    confine(own, path_of(store, "empty"))
    assert path_of(store, "empty").read_bytes() == b""


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(
    store: ObjectStore, own: BucketAccess
) -> None:
    store.put_stream("a.bin", [b"a" * 3_000_000])
    path = path_of(store, "a.bin")
    confine(own, path)
    with path.open("rb") as file:
        assert file.read(10) == b"a" * 10
        store.put("a.bin", b"b" * 3_000_000)
        file.seek(2_500_000)
        with pytest.raises(NotReady, match="replaced"):
            file.read(10)


def test_the_broker_answers_for_the_objects_of_the_call_only(
    store: ObjectStore, own: BucketAccess
) -> None:
    for name in ("a.h5", "a.h5.bak", "b.h5", "g.zarr/zarr.json", "g.zarr/site/secret"):
        store.put(name, name.encode())
    asset, group = path_of(store, "a.h5"), path_of(store, "g.zarr")
    private = path_of(store, "g.zarr/site")
    broker = Broker(
        own, [asset, group, Path("/etc")], lambda path: not path.is_relative_to(private)
    )

    def fetched(uri: str) -> Any:
        return broker.answer(["fetch", [[uri, 0, 100, None, None]]])

    assert bytes(fetched(str(asset))[1][0]) == b"a.h5"
    assert bytes(fetched(f"{group}/zarr.json")[1][0]) == b"g.zarr/zarr.json"
    for uri in (
        f"{asset}.bak",
        str(path_of(store, "b.h5")),
        f"{group}/../b.h5",
        f"{group}/site/secret",
        f"{group.parent}",
        "/etc/passwd",
        "s3://other/a.h5",
        "",
    ):
        assert fetched(uri)[0][0] == "error", uri
        assert broker.answer(["list", uri])[0][0] == "error", uri
    for question in (
        None,
        [],
        ["fetch", None],
        ["fetch", [[str(asset), 0, MAX_EXCHANGE_BYTES + 1, None, None]]],
        ["fetch", [[str(asset), 0, MAX_EXCHANGE_BYTES, None, None]] * 2],
        ["fetch", [[str(asset), 0, 1, None, None]] * 1000],
        ["fetch", [[str(asset), -5, 5, None, None]]],
        ["fetch", [[str(asset), 5, 1, None, None]]],
        ["put", str(asset)],
    ):
        (what, (kind, _, _)), buffers = broker.answer(question)
        assert (what, kind, buffers) == ("error", "Unreadable", []), question


def test_paths_of_objects_are_no_paths_of_files() -> None:
    path = ObjectPath.parse("s3://bucket/a%20b/c.npy")
    assert (str(path), path.as_uri()) == ("s3://bucket/a b/c.npy", "s3://bucket/a%20b/c.npy")
    assert (path.name, path.suffix, path.key) == ("c.npy", ".npy", "a b/c.npy")
    assert parse_path(str(path)) == path == path.resolve() == path.parent / "c.npy"
    assert isinstance(path.parent, ObjectPath)
    assert str(path.relative_to(path.parents[1])) == "a b/c.npy"
    assert not ObjectPath.parse("s3://bucket/ab").is_relative_to(ObjectPath.parse("s3://bucket/a"))
    assert path.is_relative_to(ObjectPath.parse("s3://bucket"))
    assert ObjectPath.of("s3", "bucket") not in (path.parents[2].parent, path.parents[3])
    with pytest.raises(Unsupported, match="local file"):
        open(path)  # noqa: SIM115
    with pytest.raises(Unsupported):
        (path / ".." / "d").resolve()
    with pytest.raises(Unsupported):
        path.write_bytes(secrets.token_bytes(1))


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": "https://example.org"},
        {"readable": ["s3://bucket/../other"]},
        {"readable": ["s3://key:secret@bucket"]},
        {"readable": ["/no/such/folder"]},
        {"readable": ["s3://bucket"], "buckets": {"bucket": {"access_key_id": "a"}}},
        {"readable": ["s3://bucket"], "buckets": {"bucket": {"endpoint": "http://example.org"}}},
        {
            "readable": ["s3://bucket"],
            "buckets": {
                "bucket": {"anonymous": True, "access_key_id": "a", "secret_access_key": "b"}
            },
        },
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"write|leave"):
        StorageSettings(directory=tmp_path, **settings)


def test_each_bucket_is_reached_with_its_own_credentials(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    settings = StorageSettings(
        directory=tmp_path,
        readable=["s3://common/a", "s3://other", "s3://public", tmp_path],
        endpoint="https://s3.example.org",
        access_key_id="key",
        secret_access_key="secret",
        buckets={
            "other": {"access_key_id": "k2", "secret_access_key_file": tmp_path / "secret"},
            "public": {"anonymous": True, "region": "eu-central-1"},
        },
    )
    common, other, public = (
        settings.location_of(ObjectPath.of("s3", name)) for name in ("common", "other", "public")
    )
    assert (common.endpoint, common.secret_access_key) == ("https://s3.example.org", "secret")
    assert (other.endpoint, other.secret_access_key) == (None, "from a file")
    assert (public.anonymous, public.access_key_id, public.region) == (True, None, "eu-central-1")
    assert settings.readable == [
        ObjectPath.of("s3", "common", "a"),
        ObjectPath.of("s3", "other"),
        ObjectPath.of("s3", "public"),
        tmp_path,
    ]
