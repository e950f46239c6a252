"""An overwrite whose commit fails changes nothing; one that is committed is there and announced."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection

from catalog.database_vendor import on_postgresql
from catalog.locks.pooling import is_pooled
from catalog.models import Node
from catalog.services.cleanup import remove_orphaned_files
from catalog.services.stores.folder.paths import node_folder
from streaming.config import streaming_cache_settings
from streaming.redis.clients import writer_client
from streaming.redis.keys import StreamKeys
from streaming.writing import outbox, outbox_worker
from streaming.writing.log import StreamLog, stream_logs
from streaming.writing.updates import EncodedUpdate
from tests.buckets import in_folder

from ..conftest import OCTETS, Api
from .test_lost_chunks import in_rows

pytestmark = in_folder

# A row is a chunk. Up to eight of them are written by ourselves, more by tensorstore.
BEFORE = np.arange(20 * 1024, dtype="f8").reshape(20, 1024) + 1
# Offset and shape of a patch; None for all of the array. The last ones grow it.
OVERWRITES: dict[str, Any] = {
    "all": None,
    "one chunk": ((3, 0), (1, 1024)),
    "part of a chunk": ((3, 5), (1, 7)),
    "parts of many chunks": ((0, 3), (20, 4)),
    "over the end": ((18, 0), (4, 1024)),
    "parts of many chunks over the end": ((8, 5), (14, 7)),
}


def overwritten(array: np.ndarray[Any, Any], place: Any) -> np.ndarray[Any, Any]:
    """The array after the overwrite."""
    offset, shape = place or ((0, 0), array.shape)
    region = tuple(slice(a, a + n) for a, n in zip(offset, shape, strict=True))
    after = np.zeros([max(p.stop, n) for p, n in zip(region, array.shape, strict=True)])
    after[tuple(map(slice, array.shape))] = array
    after[region] = -1
    return after


def overwrite(api: Api, place: Any, **headers: str) -> Any:
    if place is None:
        body = np.full(BEFORE.shape, -1.0).tobytes()
        return api.send("PUT", "/array/full/x", body, OCTETS, **headers)
    (row, column), (rows, columns) = place
    address = f"/array/full/x?offset={row},{column}&shape={rows},{columns}&extend=true"
    return api.send("PATCH", address, np.full((rows, columns), -1.0).tobytes(), OCTETS, **headers)


def stored(api: Api) -> np.ndarray[Any, Any]:
    return api.read("/array/full/x", "f8").reshape(-1, 1024)


def staged(node: Node) -> list[Path]:
    return [*node_folder(node.uuid).glob("staged-*"), *node_folder(node.uuid).glob("*/staged-*")]


def updates(node: Node) -> int:
    """How many updates its stream has."""
    settings = streaming_cache_settings()
    log = StreamKeys.of(settings.prefix, node.uuid).log
    return int(writer_client(settings).xlen(log))


@pytest.fixture(params=["written", "new"])
def node(request: pytest.FixtureRequest, api: Api) -> Node:
    """An array, written before or not."""
    assert api.create("x", "array", in_rows(BEFORE)).status_code == 200
    if request.param == "written":
        assert api.send("PUT", "/array/full/x", BEFORE.tobytes(), OCTETS).status_code == 200
    return Node.objects.get(path="x")


def skip_behind_poolers() -> None:
    if on_postgresql() and is_pooled():
        pytest.skip("a statement behind a pooler is undone with the transaction of the lock")


@contextmanager
def failing_database(*, carried_out: bool) -> Iterator[None]:
    """Lose the connection where the write is recorded, before or after it is."""
    if carried_out:
        skip_behind_poolers()

    def fail(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if "INSERT INTO streaming_waiting" not in sql:
            return execute(sql, *arguments)
        if carried_out:
            execute(sql, *arguments)
        raise OperationalError("the connection is lost")

    with connection.execute_wrapper(fail):
        yield


@contextmanager
def killed_after(statement: str) -> Iterator[None]:
    """Have the writer get no further than `statement`, which is carried out."""
    skip_behind_poolers()

    def fail(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        answer = execute(sql, *arguments)
        if statement in sql:
            raise OperationalError("the server is killed")
        return answer

    with connection.execute_wrapper(fail):
        yield


@contextmanager
def killed_after_commit() -> Iterator[None]:
    """Have the writer get no further than COMMIT."""
    commit = connection._commit

    def fail() -> None:
        commit()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(connection, "_commit", fail)
        yield


class Meanwhile(StreamLog):
    """A stream that is looked at while a writer is busy."""

    def __init__(self, log: StreamLog, step: Callable[[], object]) -> None:
        super().__init__(log._client, log._settings)
        self.steps = [step]

    def last_token(self, node: UUID) -> str:
        """Let the writer do something first."""
        if self.steps:
            self.steps.pop()()
        return super().last_token(node)


def drained() -> None:
    [log] = stream_logs()
    deadline = time.monotonic() + 10
    # What is in flight is taken over when it is seen again.
    worker = outbox_worker.OutboxWorker(log)
    while not (worker._poll() and not staged(Node.objects.get(path="x"))):
        assert time.monotonic() < deadline
        worker._next_take_over = 0.0


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("place", OVERWRITES.values(), ids=OVERWRITES)
def test_an_overwrite_that_is_not_committed_is_seen_by_no_reader(
    api: Api, node: Node, place: Any, keyed: bool
) -> None:
    before, told = stored(api), updates(node)
    headers = {"idempotency-key": "k"} if keyed else {}
    with failing_database(carried_out=False):
        assert overwrite(api, place, **headers).status_code == 503
    assert (stored(api) == before).all()
    assert (updates(node), bool(staged(node))) == (told, True)

    assert overwrite(api, ((0, 0), (1, 3))).status_code == 200
    assert (stored(api) == overwritten(before, ((0, 0), (1, 3)))).all()
    assert staged(node) == []
    assert overwrite(api, place, **headers).status_code == 200
    assert (stored(api) == overwritten(overwritten(before, ((0, 0), (1, 3))), place)).all()
    assert updates(node) == told + 2


@pytest.mark.parametrize("place", list(OVERWRITES.values())[:4], ids=list(OVERWRITES)[:4])
@pytest.mark.parametrize("found_by", ["drain", "writer"])
def test_an_overwrite_whose_answer_is_lost_is_put_in_place_and_announced_once(
    api: Api, node: Node, place: Any, found_by: str
) -> None:
    """It is in no transaction block, so that a failure after its statement is one after COMMIT."""
    before, told = stored(api), updates(node)
    with failing_database(carried_out=True):
        assert overwrite(api, place).status_code == 503
    assert (stored(api) == before).all()
    assert updates(node) == told
    expected = overwritten(before, place)
    if found_by == "writer":
        patch = ((3, 6), (1, 2))
        assert overwrite(api, patch).status_code == 200
        expected = overwritten(expected, patch)
        assert (stored(api) == expected).all()
    drained()
    assert (stored(api) == expected).all()
    assert updates(node) == told + (2 if found_by == "writer" else 1)


def test_the_cleanup_settles_writes_that_no_later_writer_settles(api: Api, node: Node) -> None:
    before = stored(api)
    with failing_database(carried_out=False):
        assert overwrite(api, None).status_code == 503
    assert (remove_orphaned_files(), bool(staged(node))) == (0, True), "it may be under way"
    assert remove_orphaned_files(min_age=-1) == 1
    assert staged(node) == []
    with failing_database(carried_out=True):
        assert overwrite(api, None).status_code == 503
    assert remove_orphaned_files(min_age=-1) == 1
    assert (stored(api) == overwritten(before, None)).all()


@pytest.mark.parametrize("rows", [6, 20])
def test_an_overwrite_that_storage_refuses_half_way_leaves_the_old_bytes(
    api: Api, rows: int
) -> None:
    assert api.create("y", "array", in_rows(BEFORE)).status_code == 200
    assert api.send("PUT", "/array/full/y", BEFORE.tobytes(), OCTETS).status_code == 200
    node = Node.objects.get(path="y")
    (node_folder(node.uuid) / "c/3/0").unlink()
    patch = f"/array/full/y?offset=0,3&shape={rows},4"
    assert api.send("PATCH", patch, np.zeros((rows, 4)).tobytes(), OCTETS).status_code == 410
    assert staged(node) == []
    assert (api.read("/array/full/y?slice=:3,:", "f8").reshape(3, -1) == BEFORE[:3]).all()


def test_a_write_committed_while_the_outbox_drains_is_not_reported_as_rejected(
    api: Api, node: Node
) -> None:
    """Its writer is killed right after; its entry goes with the others, and tells no more of it."""
    before = stored(api)
    [log] = stream_logs()
    outbox.add_update(node.uuid, EncodedUpdate(b"", b""))

    def write() -> None:
        with killed_after('UPDATE "streaming_waiting"'):
            assert overwrite(api, None).status_code == 503

    while not outbox_worker.drain_if_leader(Meanwhile(log, write)):
        pass
    assert not outbox.has_entries([node.uuid])
    assert overwrite(api, ((0, 0), (1, 3))).status_code == 200
    assert (stored(api) == overwritten(before, None)).all()


def test_an_overwrite_that_grows_an_array_is_whole_on_a_site_without_streams(
    api: Api, node: Node, settings: LazySettings
) -> None:
    before, place = stored(api), OVERWRITES["over the end"]
    cache = settings.TILED.streaming_cache.model_copy(update={"uri": None})
    settings.TILED = settings.TILED.model_copy(update={"streaming_cache": cache})
    with killed_after_commit():
        overwrite(api, place)
    assert staged(node)
    assert overwrite(api, ((0, 0), (1, 3))).status_code == 200
    expected = overwritten(overwritten(before, place), ((0, 0), (1, 3)))
    assert (stored(api) == expected).all()
    assert staged(node) == []


def test_a_damaged_node_does_not_keep_the_sweep_from_others(api: Api, node: Node) -> None:
    assert api.create("y", "array", in_rows(BEFORE)).status_code == 200
    with failing_database(carried_out=True):
        for key in ("x", "y"):
            body = np.full(BEFORE.shape, -1.0).tobytes()
            assert api.send("PUT", f"/array/full/{key}", body, OCTETS).status_code == 503
    other = Node.objects.get(path="y")
    for damaged, whole in ((node, other), (other, node)):
        document = node_folder(damaged.uuid) / "zarr.json"
        content = document.read_bytes()
        document.unlink()
        remove_orphaned_files(min_age=-1)
        assert (bool(staged(damaged)), staged(whole)) == (damaged == node, [])
        document.write_bytes(content)


KINDS: dict[str, np.ndarray[Any, Any]] = {
    "of no dimensions": np.array(7.5),
    "of records": np.array([(1, "a"), (2, "b")], [("n", "<i4"), ("s", "<U3")]),
    "of texts": np.array(["a", "bc"]),
}


@pytest.mark.parametrize("array", KINDS.values(), ids=KINDS)
def test_arrays_of_all_kinds_are_overwritten_after_the_commit(
    api: Api, array: np.ndarray[Any, Any]
) -> None:
    api.array("y", array)
    address = f"/array/full/y?format={OCTETS}"
    assert api.send("PUT", "/array/full/y", array.tobytes(), OCTETS).status_code == 200
    after = np.zeros_like(array).tobytes()
    for carried_out in (False, True):
        with failing_database(carried_out=carried_out):
            assert api.send("PUT", "/array/full/y", after, OCTETS).status_code == 503
        assert api.get(address).content == array.tobytes()
        assert remove_orphaned_files(min_age=-1) == 1
    assert api.get(address).content == after
    assert staged(Node.objects.get(path="y")) == []
