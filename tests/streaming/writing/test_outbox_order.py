"""Whatever is lost, comes late or dies on the way: the stream is what was stored, in that order."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable

import hypothesis.strategies as st
import msgpack
import pytest
import redis
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings

from streaming.config import StreamingCacheSettings
from streaming.redis.keys import StreamKeys
from streaming.writing import delivery, outbox, outbox_removal, outbox_worker
from streaming.writing.log import StreamLog
from streaming.writing.scripts import OrderConflict

from ..conftest import numbers

pytestmark = pytest.mark.django_db(transaction=True)


class Story:
    """One node, its writers, who drains, and commands that are still on their way to Redis."""

    def __init__(self, log: StreamLog) -> None:
        self.node = uuid.uuid4()
        self.stored: list[int] = []
        self._log = log
        log.memory_id()  # as each process finds out at its start
        self._late: list[Callable[[], object]] = []
        outbox_removal._remover = lingering()
        self._other: outbox_removal.OutboxRemover | None = lingering()

    def write(self) -> None:
        """A write with nothing in its way."""
        self._store(answered=True, arrives=True)

    def write_without_answer(self) -> None:
        """Redis took it, and nobody was told."""
        self._store(answered=False, arrives=True)

    def write_that_comes_late(self) -> None:
        """Redis takes it after it was given up, if at all."""
        self._store(answered=False, arrives=False)

    def write_that_is_not_stored(self) -> None:
        """It has no place in the order."""
        self._log.append(self.node, *numbers(-1))

    def arrive(self) -> None:
        """Redis takes the oldest command that was given up."""
        if self._late:
            with contextlib.suppress(OrderConflict):
                self._late.pop(0)()

    def drain(self) -> None:
        """All that waits is put into the stream."""
        while not outbox_worker.drain_if_leader(self._log):
            pass

    def drain_and_die(self) -> None:
        """Some is put into the stream by a process that dies, commands of which come late."""
        outbox.defer_all([self.node])
        last, batch = self._log.last_token(self.node), outbox.next_batch(self.node)
        for entry in batch[len(outbox_worker._already_published(batch, last)) :][:2]:
            after = last
            self._late.append(
                lambda entry=entry, after=after: outbox_worker._publish(self._log, entry, after)
            )
            outbox_worker._publish(self._log, entry, after)
            last = entry.token

    def write_and_die(self) -> None:
        """The writer is killed after the commit."""
        self._kept()

    def write_and_die_later(self) -> None:
        """The writer is killed after the append, before the entry is removed."""
        self._put(self._kept())

    def write_slowly(self) -> None:
        """The writer is stopped after the commit, and goes on when others have been there."""
        kept = self._kept()
        if len(self._late) < 8:
            self._late.append(lambda: delivery.publish_recorded(self._log, kept))

    def take_over(self) -> None:
        """Another process finds what is in flight, and has been for a while."""
        outbox.defer_all(set(outbox.in_flight().values()))

    def forget(self) -> None:
        """What is known to be in the stream is removed from the outbox."""
        remover = outbox_removal._remover
        assert remover is not None
        remover._remove()

    def write_while_others_are_forgotten(self) -> None:
        """A write comes between the look at what is to be removed, and its removal."""
        steps = [self.write]

        def interrupted(execute: Callable[..., object], sql: str, *arguments: object) -> object:
            if sql.startswith("DELETE") and steps:
                steps.pop()()
            return execute(sql, *arguments)

        with connection.execute_wrapper(interrupted):
            self.forget()

    def write_that_is_rolled_back(self) -> None:
        """The database refuses the write after its entry was kept."""
        with transaction.atomic():
            delivery.record(self.node, *numbers(-2))
            transaction.set_rollback(True)

    def write_in_a_transaction(self) -> None:
        """More than the entry is stored, at once."""
        with transaction.atomic():
            kept = self._kept()
        delivery.publish_recorded(self._log, kept)

    def close(self) -> None:
        """The stream is closed under a key."""
        delivery.publish_end(self._log, self.node, once=f"{len(self.stored) // 2:016x}")

    def look_for_what_is_left(self) -> None:
        """A request that was repeated has everything put into the stream."""
        delivery.publish_left_behind(self.node)

    def write_elsewhere(self) -> None:
        """Another process writes, which knows only what it has put into the stream itself."""
        self._other, outbox_removal._remover = outbox_removal._remover, self._other
        self.write()
        self._other, outbox_removal._remover = outbox_removal._remover, self._other

    def be_restarted(self) -> None:
        """A new process takes the place of this one: it knows nothing of what is in the stream."""
        outbox_removal._remover = lingering()

    def _kept(self) -> delivery.RecordedUpdate:
        self.stored.append(len(self.stored))
        return delivery.record(self.node, *numbers(self.stored[-1]))

    def _put(self, kept: delivery.RecordedUpdate) -> None:
        if not kept.entry.waits:
            with contextlib.suppress(OrderConflict):
                token, after = kept.entry.token, delivery._position_of(kept.entry)
                self._log.put(self.node, kept.update, token, after)

    def _store(self, *, answered: bool, arrives: bool) -> None:
        kept = self._kept()
        if answered:
            delivery.publish_recorded(self._log, kept)
            return
        if arrives:
            self._put(kept)
        elif len(self._late) < 8:
            self._late.append(lambda: self._put(kept))
        if not kept.entry.waits:
            outbox.defer(kept.entry.pk, kept.entry.token, kept.update, tried=True)

    def end(self) -> None:
        """Everything has come to rest."""
        while self._late:
            self.arrive()
        self.take_over()
        self.drain()


STEPS = [
    Story.write,
    Story.write_without_answer,
    Story.write_that_comes_late,
    Story.write_that_is_not_stored,
    Story.arrive,
    Story.drain,
    Story.drain_and_die,
    Story.write_and_die,
    Story.write_and_die_later,
    Story.write_slowly,
    Story.take_over,
    Story.forget,
    Story.write_while_others_are_forgotten,
    Story.write_that_is_rolled_back,
    Story.write_in_a_transaction,
    Story.close,
    Story.look_for_what_is_left,
    Story.write_elsewhere,
    Story.be_restarted,
]


def lingering() -> outbox_removal.OutboxRemover:
    """A thread that removes nothing by itself, as long as the test takes."""
    made = outbox_removal.OutboxRemover()
    made.start()
    return made


@pytest.fixture
def _remover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_removal, "BATCH_SECONDS", 3600.0)
    monkeypatch.setattr(outbox_removal, "_remover", lingering())


@pytest.mark.usefixtures("_remover")
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=30))
def test_each_stored_write_is_in_the_stream_once_and_in_its_place(
    log: StreamLog, cache: StreamingCacheSettings, client: redis.Redis, steps: list[object]
) -> None:
    story = Story(log)
    for step in steps:
        step(story)
    story.end()
    payloads = [
        msgpack.unpackb(fields[b"frame"])["payload"]
        for _, fields in client.xrange(StreamKeys.of(cache.prefix, story.node).log)
        if b"frame" in fields
    ]
    values = [int.from_bytes(payload, "little", signed=True) for payload in payloads]
    values = [value for value in values if value != -1]
    assert values == story.stored, [s.__name__ for s in steps]
