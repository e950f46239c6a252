"""What a server that was killed has left: found, and cleared up."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.config import storage_settings
from catalog.models import Node, Receipt
from catalog.services.stores import node_folder
from catalog.services.sweep import sweep_folders
from streaming.keys import StreamKeys
from streaming.writing.log import StreamLog, stream_log
from streaming.writing.sweep import sweep_streams
from tiled_client.wire.messages import ArrayData

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = ArrayData("application/octet-stream", (1,), None, None, True)


@pytest.fixture(autouse=True)
def _nothing_left_by_other_tests(transactional_db: None) -> None:
    sweep_folders(unclaimed=0)
    sweep_streams()


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
    found = stream_log()
    assert found is not None
    return found


def test_folders_and_streams_without_a_node_go_and_those_with_one_stay() -> None:
    alive, dead = node_of("x"), uuid.uuid4()
    folders = {node: kept(node) for node in (alive, dead)}
    other = storage_settings().directory / "zz" / "not-ours"
    other.mkdir(parents=True, exist_ok=True)
    for node in (alive, dead):
        log().append(node, MESSAGE, b"12345678")
    told = io.StringIO()
    call_command("sweep", minutes=0, stdout=told)
    assert told.getvalue() == "Removed 1 folders and 1 streams of no node.\n"
    assert [folders[node].exists() for node in (alive, dead)] == [True, False]
    assert other.exists()
    said = [
        log()._client.hget(StreamKeys.of(log()._settings.prefix, node).meta, "gone")
        for node in (alive, dead)
    ]
    assert said == [None, b"1"]
    # What was dropped is not dropped again: its mark is to go.
    assert (sweep_folders(unclaimed=0), sweep_streams()) == (0, 0)


def test_the_folder_of_a_node_that_is_just_being_made_stays() -> None:
    folder = kept(uuid.uuid4())
    assert (sweep_folders(), folder.exists()) == (0, True)
    assert (sweep_folders(unclaimed=0), folder.exists()) == (1, False)


def test_receipts_that_nobody_will_ask_for_go_too() -> None:
    Receipt.objects.create(node=uuid.uuid4(), key="old", digest=b"")
    Receipt.objects.update(time="2020-01-01T00:00:00Z")
    Receipt.objects.create(node=uuid.uuid4(), key="new", digest=b"")
    call_command("sweep", stdout=io.StringIO())
    assert [receipt.key for receipt in Receipt.objects.all()] == ["new"]


def test_the_name_of_a_stream_says_whose_it_is() -> None:
    node = uuid.uuid4()
    assert StreamKeys.node_of(StreamKeys.of("a:{site}", node).meta) == node
