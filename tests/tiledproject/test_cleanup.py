"""What a server that was killed has left: found, and cleared up."""

from __future__ import annotations

import io
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as BrowserSession
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from access.models import Session
from catalog.config import storage_settings
from catalog.locks.node_locks import node_lock
from catalog.models import Asset, DataSource, DataSourceAsset, Node, Receipt
from catalog.services import idempotency
from catalog.services.cleanup import remove_orphaned_files, remove_orphaned_folders
from catalog.services.stores.folder.paths import node_folder
from catalog.storage.files import file_uri
from streaming.redis.keys import StreamKeys
from streaming.writing.cleanup import remove_orphaned_streams
from streaming.writing.log import StreamLog, stream_logs
from tests.buckets import in_folder
from tiled_client.wire.messages import ArrayData

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = ArrayData("application/octet-stream", (1,), None, None, True)


@pytest.fixture(autouse=True)
def _nothing_left_by_other_tests(transactional_db: None) -> None:
    remove_orphaned_folders(min_age=0)
    remove_orphaned_streams()


def kept(node: uuid.UUID) -> Path:
    """Data of `node` on the disk."""
    folder = node_folder(node)
    (folder / "c").mkdir(parents=True)
    (folder / "c" / "0").write_bytes(b"x")
    return folder


def node_of(key: str) -> uuid.UUID:
    root, _ = Node.objects.get_or_create(
        path="", defaults={"key": "", "structure_family": "container"}
    )
    return Node.objects.create(parent=root, key=key, path=key, structure_family="array").uuid


def log() -> StreamLog:
    [found] = stream_logs()
    return found


@in_folder
def test_folders_and_streams_without_a_node_go_and_those_with_one_stay() -> None:
    alive, dead = node_of("x"), uuid.uuid4()
    folders = {node: kept(node) for node in (alive, dead)}
    other = storage_settings().directory / "zz" / "not-ours"
    other.mkdir(parents=True, exist_ok=True)
    for node in (alive, dead):
        log().append(node, MESSAGE, b"12345678")
    told = io.StringIO()
    call_command("cleanup", minutes=0, stdout=told)
    assert told.getvalue() == "Removed 1 folders and 1 streams of no node.\n"
    assert [folders[node].exists() for node in (alive, dead)] == [True, False]
    assert other.exists()
    said = [
        log()._client.hget(StreamKeys.of(log()._settings.prefix, node).meta, "gone")
        for node in (alive, dead)
    ]
    assert said == [None, b"1"]
    # What was dropped is not dropped again: its mark is to go.
    assert (remove_orphaned_folders(min_age=0), remove_orphaned_streams()) == (0, 0)


@in_folder
def test_the_folder_of_a_node_that_is_being_created_remains() -> None:
    folder = kept(uuid.uuid4())
    assert (remove_orphaned_folders(), folder.exists()) == (0, True)
    assert (remove_orphaned_folders(min_age=0), folder.exists()) == (1, False)


def test_receipts_expire_after_an_hour_of_monotonic_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(idempotency, "_ages", idempotency.Ages(lambda: now))
    Receipt.objects.create(node=uuid.uuid4(), key="old", digest=b"")
    Receipt.objects.update(time="2020-01-01T00:00:00Z")
    for now, kept in ((0.0, ["old"]), (3500.0, ["old", "new"]), (3700.0, ["new"])):
        if now == 3500.0:
            Receipt.objects.create(node=uuid.uuid4(), key="new", digest=b"")
        call_command("sweep", stdout=io.StringIO())
        assert [receipt.key for receipt in Receipt.objects.order_by("pk")] == kept


def test_sessions_that_have_expired_go() -> None:
    user = User.objects.create_user("ann")
    now = timezone.now()
    hour = timedelta(hours=1)
    for ends in (now - hour, now + hour):
        Session.objects.create(account=user.account, provider="p", identifier="ann", expires=ends)
        BrowserSession.objects.create(session_key=ends.isoformat(), expire_date=ends)
    call_command("sweep", stdout=io.StringIO())
    assert [row.expires for row in Session.objects.all()] == [now + hour]
    assert [row.expire_date for row in BrowserSession.objects.all()] == [now + hour]


@in_folder
def test_files_that_no_row_names_go_and_those_that_count_stay() -> None:
    node = node_of("t")
    source = DataSource.objects.create(
        node=Node.objects.get(uuid=node), mimetype="x", management="writable"
    )
    folder = node_folder(node)
    folder.mkdir(parents=True)
    names = ["partition-0-0123abcd.arrows", "partition-0-89efcdab.arrows", "somebody.else"]
    for name in names:
        (folder / name).write_bytes(b"x")
    asset = Asset.objects.create(data_uri=file_uri(folder / names[0]), is_directory=False, size=1)
    DataSourceAsset.objects.create(data_source=source, asset=asset, parameter="data_uris", num=0)
    assert remove_orphaned_files() == 0, "a write may still be about to make it count"
    assert remove_orphaned_files(min_age=0) == 1
    assert sorted(path.name for path in folder.iterdir()) == [names[0], names[2]]


@in_folder
def test_a_file_is_not_judged_while_its_node_is_being_written() -> None:
    node = node_of("w")
    DataSource.objects.create(node=Node.objects.get(uuid=node), mimetype="x", management="writable")
    folder = node_folder(node)
    folder.mkdir(parents=True)
    file = folder / "block-0.1-0123abcd.parquet"
    with ThreadPoolExecutor() as pool:
        with node_lock("w"):
            file.write_bytes(b"x")
            cleaning = pool.submit(clean_up_and_close)
            time.sleep(0.2)
            assert file.exists()
        assert cleaning.result() == 1
    assert not file.exists()


@in_folder
def test_a_node_that_is_written_for_long_does_not_keep_others_from_being_cleared_up(
    settings: Any,
) -> None:
    database = settings.TILED.database.model_copy(update={"lock_timeout": 0.2})
    settings.TILED = settings.TILED.model_copy(update={"database": database})
    files = []
    for key in ("v", "w", "x"):
        node = node_of(key)
        row = Node.objects.get(uuid=node)
        DataSource.objects.create(node=row, mimetype="x", management="writable")
        files.append(node_folder(node) / "block-0.1-0123abcd.parquet")
        files[-1].parent.mkdir(parents=True)
        files[-1].write_bytes(b"x")
    with ThreadPoolExecutor() as pool, node_lock("w"):
        assert pool.submit(clean_up_and_close).result() == 2
    assert [file.exists() for file in files] == [False, True, False]


def clean_up_and_close() -> int:
    try:
        return remove_orphaned_files(min_age=0)
    finally:
        connection.close()


def test_the_name_of_a_stream_identifies_its_site_and_node() -> None:
    node = uuid.uuid4()
    assert StreamKeys.node_of(StreamKeys.of("a:{site}", node).meta) == node
