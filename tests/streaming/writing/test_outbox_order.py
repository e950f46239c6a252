"""Lost replies, late commands and killed processes: the stream is what was stored, in order."""

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
from streaming.writing import batch_delivery, delivery, outbox, outbox_removal, outbox_worker
from streaming.writing.log import StreamLog
from streaming.writing.scripts import OrderConflict
from streaming.writing.updates import UpdateBatch

from ..conftest import numbers

pytestmark = pytest.mark.django_db(transaction=True)


class Story:
    """One node, its writers, the outbox worker, and commands still on their way to Redis."""

    def __init__(self, log: StreamLog) -> None:
        self.node = uuid.uuid4()
        self.stored: list[int] = []
        self._log = log
        log.memory_id()  # as each process finds out at its start
        self._late: list[Callable[[], object]] = []
        outbox_removal._remover = lingering()
        self._other: outbox_removal.OutboxRemover | None = lingering()

    def write(self) -> None:
        """Write without any failure."""
        self._store(answered=True, arrives=True)

    def write_without_answer(self) -> None:
        """Write; Redis executes it, but the reply is lost."""
        self._store(answered=False, arrives=True)

    def write_that_comes_late(self) -> None:
        """Write; Redis executes it after the timeout, if at all."""
        self._store(answered=False, arrives=False)

    def write_that_is_not_stored(self) -> None:
        """Append an update that is not stored: it has no place in the order."""
        self._log.append(self.node, *numbers(-1))

    def arrive(self) -> None:
        """Let the oldest late command arrive at Redis."""
        if self._late:
            with contextlib.suppress(OrderConflict):
                self._late.pop(0)()

    def drain(self) -> None:
        """Drain the outbox."""
        while not outbox_worker.drain_if_leader(self._log):
            pass

    def drain_and_die(self) -> None:
        """Drain in part, by a process that dies and whose commands arrive late."""
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
        """Kill the writer after the commit."""
        self._kept()

    def write_and_die_later(self) -> None:
        """Kill the writer after the append, before the entry is removed."""
        self._put(self._kept())

    def write_slowly(self) -> None:
        """Stop the writer after the commit; it continues after others have written."""
        kept = self._kept()
        if len(self._late) < 8:
            self._late.append(lambda: delivery.publish_recorded(self._log, kept))

    def take_over(self) -> None:
        """Take over, by another process, the entries that have been in flight for a while."""
        outbox.defer_all(set(outbox.in_flight().values()))

    def forget(self) -> None:
        """Remove published entries from the outbox."""
        remover = outbox_removal._remover
        assert remover is not None
        remover._remove()

    def write_while_others_are_forgotten(self) -> None:
        """Write between the selection of entries to remove, and their removal."""
        steps = [self.write]

        def interrupted(execute: Callable[..., object], sql: str, *arguments: object) -> object:
            if sql.startswith("DELETE") and steps:
                steps.pop()()
            return execute(sql, *arguments)

        with connection.execute_wrapper(interrupted):
            self.forget()

    def write_that_is_rolled_back(self) -> None:
        """Roll back the write after its entry was recorded."""
        with transaction.atomic():
            delivery.record(self.node, *numbers(-2))
            transaction.set_rollback(True)

    def write_in_a_transaction(self) -> None:
        """Store more than the entry in one transaction."""
        with transaction.atomic():
            kept = self._kept()
        delivery.publish_recorded(self._log, kept)

    def write_batch(self) -> None:
        """Store three writes in one transaction, and append them in one step."""
        batch_delivery.publish_batch(self._log, self._kept_batch())

    def write_batch_without_answer(self) -> None:
        """Write a batch; Redis executes it, but the reply is lost."""
        batch = self._kept_batch()
        self._put_batch(batch)
        self._defer_batch(batch)

    def write_batch_that_comes_late(self) -> None:
        """Write a batch; Redis executes it after the timeout, if at all."""
        batch = self._kept_batch()
        if len(self._late) < 8:
            self._late.append(lambda: self._put_batch(batch))
        self._defer_batch(batch)

    def write_batch_and_die(self) -> None:
        """Kill the writer of a batch after the commit."""
        self._kept_batch()

    def write_batch_and_die_later(self) -> None:
        """Kill the writer of a batch after the append, before the entries are removed."""
        self._put_batch(self._kept_batch())

    def write_batch_slowly(self) -> None:
        """Stop the writer of a batch after the commit; it continues after others have written."""
        batch = self._kept_batch()
        if len(self._late) < 8:
            self._late.append(lambda: batch_delivery.publish_batch(self._log, batch))

    def _kept_batch(self) -> batch_delivery.RecordedBatch:
        values = range(len(self.stored), len(self.stored) + 3)
        self.stored += values
        with transaction.atomic():
            return batch_delivery.record_batch(self.node, [numbers(value) for value in values])

    def _put_batch(self, batch: batch_delivery.RecordedBatch) -> None:
        if not batch.entries[0].waits:
            tokens = [entry.token for entry in batch.entries]
            position = delivery.position_of(batch.entries[0])
            after = None if position is None else position.after
            with contextlib.suppress(OrderConflict):
                self._log.put_many(self.node, UpdateBatch(batch.updates, tokens, after=after))

    def _defer_batch(self, batch: batch_delivery.RecordedBatch) -> None:
        if not batch.entries[0].waits:
            for entry, update in zip(batch.entries, batch.updates, strict=True):
                outbox.defer(entry.pk, entry.token, update, tried=True)

    def close(self) -> None:
        """Close the stream under an idempotency key."""
        delivery.publish_end(self._log, self.node, token=f"{len(self.stored) // 2:016x}")

    def look_for_what_is_left(self) -> None:
        """Repeat a request: everything left behind is published."""
        delivery.publish_left_behind(self.node)

    def write_elsewhere(self) -> None:
        """Write by another process, which knows only what it published itself."""
        self._other, outbox_removal._remover = outbox_removal._remover, self._other
        self.write()
        self._other, outbox_removal._remover = outbox_removal._remover, self._other

    def be_restarted(self) -> None:
        """Replace this process by a new one, which does not know what is in the stream."""
        outbox_removal._remover = lingering()

    def _kept(self) -> delivery.RecordedUpdate:
        self.stored.append(len(self.stored))
        return delivery.record(self.node, *numbers(self.stored[-1]))

    def _put(self, kept: delivery.RecordedUpdate) -> None:
        if not kept.entry.waits:
            with contextlib.suppress(OrderConflict):
                token, after = kept.entry.token, delivery.position_of(kept.entry)
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
        """Let everything arrive and drain."""
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
    Story.write_batch,
    Story.write_batch_without_answer,
    Story.write_batch_that_comes_late,
    Story.write_batch_and_die,
    Story.write_batch_and_die_later,
    Story.write_batch_slowly,
    Story.close,
    Story.look_for_what_is_left,
    Story.write_elsewhere,
    Story.be_restarted,
]


def lingering() -> outbox_removal.OutboxRemover:
    """Return a remover that removes nothing by itself during the test."""
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
def test_each_stored_write_is_in_the_stream_once_and_in_order(
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
