"""The outbox: what has not its place in a stream yet, in the database.

An entry is made in the transaction of its write, in flight: its writer puts it into the stream and
has it removed. While entries of a node wait for the streaming cache, everything that is persisted
there waits behind them, so that the order of its stream stays that of storage. Writers hold the
node's lock; `drain` removes an entry only after it is in the stream.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.models import Count, F, Min, QuerySet, Sum
from django.utils import timezone

from catalog.database_vendor import on_postgresql

from ..models import Kind, Waiting
from .log import known_memory, new_token
from .updates import INLINE_BYTES, Update

# PostgreSQL takes no text of a gigabyte, and bytes are written with two letters each.
LARGEST = 256 << 20
BATCH_COUNT = 64
IDS_AT_ONCE = 500
# As many entries in flight are looked at, at once.
MOST_IN_FLIGHT = 4096
BATCH_BYTES = 8 << 20
# What is over the limit is given up with a little more, so that not every look finds some.
SPARE = 16
# An entry in flight of more bytes would cost the write more than a gap does, should it be cut off.
LARGEST_IN_FLIGHT = INLINE_BYTES + 16 * 1024
_TABLE = Waiting._meta.db_table
_NODE: Any = Waiting._meta.get_field("node")
# What is before the new entry comes with its number, in one exchange.
_KEEP = (
    f"INSERT INTO {_TABLE} "  # noqa: S608
    "(node, kind, token, size, since, before, after, payload, memory, tried, count, in_flight) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', 1, true) RETURNING id, "
    f"(SELECT CASE WHEN earlier.in_flight THEN 'f' ELSE 'w' END || earlier.id || ' ' "
    f"|| earlier.token FROM {_TABLE} AS earlier WHERE earlier.node = {_TABLE}.node "
    f"AND earlier.id < {_TABLE}.id ORDER BY earlier.id DESC LIMIT 1)"
)
# In the place of an entry that is in its stream, if its node has no other.
_KEEP_IN_PLACE = (
    f"UPDATE {_TABLE} SET node = %s, kind = %s, token = %s, size = %s, since = %s, "  # noqa: S608
    "before = %s, after = %s, payload = %s, memory = %s "
    f"WHERE id = %s AND token = %s AND in_flight AND NOT EXISTS (SELECT 1 FROM {_TABLE} AS other "
    f"WHERE other.node = {_TABLE}.node AND other.id <> {_TABLE}.id) RETURNING id"
)
# A write that changes no other row has not waited for its bytes to reach the disk either.
_ALONE = (
    "WITH kept AS ({}) SELECT kept.* FROM kept, "
    "(SELECT set_config('synchronous_commit', 'off', true) AS mode) AS unsynced "
    "WHERE mode IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, of one node or of all."""

    count: int
    size: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as its writer made it; `before` is the one of the same node that is before it."""

    pk: int
    node: UUID
    token: str
    before: Earlier | None

    @property
    def waits(self) -> bool:
        """Return whether it is behind others that wait for the streaming cache."""
        return self.before is not None and not self.before.in_flight

    def is_stored(self) -> bool:
        """Return whether it is in the database: then the transaction of its write was committed."""
        return Waiting.objects.filter(pk=self.pk, token=self.token).exists()


class Earlier(NamedTuple):
    """The entry before another one."""

    pk: int
    token: str
    in_flight: bool


def keep(node: UUID, update: Update, token: str = "", done: Entry | None = None) -> Entry:
    """Keep an update in the transaction of its write, in flight unless others of the node wait.

    It takes the place of `done`, if that is the only entry of the node, and in its stream. A large
    payload is not kept twice: of an update in flight that has one, only that it was there.
    """
    # Each look at `connection` finds that of the current thread anew.
    database = connections[DEFAULT_DB_ALIAS]
    token, now = token or new_token(), timezone.now()
    fits = update.size <= LARGEST_IN_FLIGHT
    kept = update if fits else Update(b"", b"")
    values = [
        _adapted(node, database),
        (Kind.UPDATE if fits else Kind.LOST).value,
        token,
        kept.size,
        database.ops.adapt_datetimefield_value(now),
        kept.before,
        kept.after,
        kept.payload,
        known_memory(),
    ]
    if done is not None and _is_replaced(done, values, database):
        return Entry(done.pk, node, token, None)
    pk, before = _inserted(values, database)
    entry = Entry(pk, node, token, before)
    if entry.waits:
        wait(entry, update, tried=False)
    return entry


def _inserted(values: list[Any], database: Any) -> tuple[int, Earlier | None]:
    """Insert an entry in flight; return its number, and the one of its node before it."""
    pk, last = _changed(_KEEP, values, database)
    if last is None:
        return pk, None
    number, _, token = last[1:].partition(" ")
    return pk, Earlier(int(number), token, last[0] == "f")


def _is_replaced(done: Entry, values: list[Any], database: Any) -> bool:
    """Put an entry in flight into the place of one that is in its stream, if that can be."""
    return _changed(_KEEP_IN_PLACE, [*values, done.pk, done.token], database) is not None


def _changed(sql: str, values: list[Any], database: Any) -> Any:
    alone = on_postgresql() and not database.in_atomic_block
    with database.cursor() as cursor:
        cursor.execute(_ALONE.format(sql) if alone else sql, values)
        return cursor.fetchone()


def _adapted(node: UUID, database: Any) -> Any:
    return _NODE.get_db_prep_value(node, database)


def wait(entry: Entry, update: Update, *, tried: bool) -> None:
    """Let an entry wait, `tried` if it may have reached the stream all the same."""
    rows = Waiting.objects.filter(pk=entry.pk, token=entry.token)
    tries = entry.token if tried else ""
    rows.update(**_content(update), in_flight=False, tried=tries, memory="")


def _content(update: Update) -> dict[str, Any]:
    if update.size > LARGEST:
        return {"kind": Kind.LOST, "size": 0, "before": b"", "after": b"", "payload": None}
    before, after, payload = update
    return {
        "kind": Kind.UPDATE,
        "size": update.size,
        "before": before,
        "after": after,
        "payload": payload,
    }


def line_up(nodes: Collection[UUID]) -> int:
    """Let everything of these nodes wait; how many entries were in flight.

    Their writers may still put them into the streams: each is tried under its own token.
    """
    rows = Waiting.objects.filter(node__in=nodes, in_flight=True)
    return rows.update(in_flight=False, tried=F("token"))


def in_flight() -> dict[tuple[int, str], UUID]:
    """Return the oldest entries in flight, by number and token, with their nodes."""
    rows = _in_flight().order_by("pk").values_list("pk", "token", "node")[:MOST_IN_FLIGHT]
    return {(pk, token): node for pk, token, node in rows}


def has_entries(nodes: Sequence[UUID]) -> bool:
    """Return whether there is anything of these nodes."""
    return Waiting.objects.filter(node__in=nodes).exists()


def has_token(node: UUID, token: str) -> bool:
    """Return whether there is an entry of `node` with this token."""
    return Waiting.objects.filter(node=node, token=token).exists()


def has_dropped() -> list[UUID]:
    """Return the nodes whose deletion is in flight."""
    return list(_in_flight().filter(kind=Kind.DROP).values_list("node", flat=True))


def waits(node: UUID) -> bool:
    """Return whether anything of `node` waits for the streaming cache."""
    return _waiting().filter(node=node).exists()


def add_update(node: UUID, update: Update, tried: str = "") -> None:
    """Let an update wait; `tried` is the token under which it may have reached the stream."""
    Waiting.objects.create(node=node, token=tried or new_token(), tried=tried, **_content(update))


def add_end(node: UUID, once: str = "") -> None:
    """Keep an end of stream, unless one with the token `once` waits already."""
    if once and _waiting().filter(node=node, kind=Kind.END, token=once).exists():
        return
    Waiting.objects.create(node=node, kind=Kind.END, token=once or new_token())


def add_drops(nodes: Sequence[UUID]) -> None:
    """Let the deletion of nodes wait, in place of everything about them."""
    with transaction.atomic():
        Waiting.objects.filter(node__in=nodes).delete()
        Waiting.objects.bulk_create(
            [Waiting(node=node, kind=Kind.DROP, token=new_token()) for node in nodes]
        )


def keep_drops(nodes: Sequence[UUID]) -> None:
    """Keep the deletion of nodes, in place of everything about them, in its transaction."""
    for first in range(0, len(nodes), BATCH_COUNT):
        Waiting.objects.filter(node__in=nodes[first : first + BATCH_COUNT]).delete()
    rows = [Waiting(node=node, kind=Kind.DROP, token=new_token(), in_flight=True) for node in nodes]
    Waiting.objects.bulk_create(rows, batch_size=BATCH_COUNT)


def backlog(node: UUID | None = None) -> Backlog:
    """How much waits, of `node` or of all."""
    rows = _waiting() if node is None else _waiting().filter(node=node)
    found = rows.aggregate(count=Sum("count"), size=Sum("size"), since=Min("since"))
    return Backlog(found["count"] or 0, found["size"] or 0, found["since"])


def deleted_nodes() -> list[UUID]:
    """The nodes whose deletion waits."""
    return list(_waiting().filter(kind=Kind.DROP).values_list("node", flat=True))


def next_node(without: Collection[UUID] = ()) -> UUID | None:
    """The node whose oldest entry has waited longest."""
    rows = _waiting().exclude(node__in=without) if without else _waiting()
    return rows.order_by("id").values_list("node", flat=True).first()


def next_batch(node: UUID) -> list[Waiting]:
    """The oldest entries of `node`, bounded in number and bytes, and one at least."""
    ids: list[int] = []
    size = 0
    rows = _waiting().filter(node=node).order_by("id")
    for pk, bytes_ in rows.values_list("id", "size")[:BATCH_COUNT]:
        size += bytes_
        if ids and size > BATCH_BYTES:
            break
        ids.append(pk)
    return list(rows.filter(id__in=ids))


def forget(tokens: Mapping[int, str]) -> None:
    """Remove entries that are in their stream, by their number and token.

    PostgreSQL gives a number again where it crashed before the first entry with it was on the disk.
    There, entries that others are changing stay: whoever deletes a node with children changes those
    of several nodes, and the two would wait for one another. They are replaced, removed, or found
    in the stream when they have been in flight for a while.
    """
    found = f"SELECT id FROM {_TABLE} WHERE id IN ({{0}}) AND token IN ({{0}})"  # noqa: S608
    if on_postgresql():
        found += " FOR UPDATE SKIP LOCKED"
    with connection.cursor() as cursor:
        entries = list(tokens.items())
        for first in range(0, len(entries), IDS_AT_ONCE):
            ids, names = zip(*entries[first : first + IDS_AT_ONCE], strict=True)
            marks = ", ".join(["%s"] * len(ids))
            cursor.execute(
                f"DELETE FROM {_TABLE} WHERE id IN ({found.format(marks)})",  # noqa: S608
                [*ids, *names],
            )


def forget_older(node: UUID, pk: int, token: str) -> None:
    """Remove an entry that is in its stream, and those of its node that are older.

    Where it is not there any more, they stay: they may be others by now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_TABLE} WHERE node = %s AND id <= %s "  # noqa: S608
            f"AND EXISTS (SELECT 1 FROM {_TABLE} AS last WHERE last.id = %s AND last.token = %s)",
            [_adapted(node, connection), pk, pk, token],
        )


def forget_through(node: UUID, token: str) -> int:
    """Remove the entry with `token`, if there is one, and all before it; how many they were."""
    last = Waiting.objects.filter(node=node, token=token).only("pk").first() if token else None
    rows = Waiting.objects.filter(node=node, pk__lte=last.pk if last else 0)
    return rows.delete()[0] if last else 0


def _in_flight() -> QuerySet[Waiting]:
    """Return the entries that are in flight: those that the index of what waits does not have.

    In SQLite `in_flight` lies behind the payload, and to look at it takes a second for a hundred
    thousand entries that wait. An index of its own would be written with every write.
    """
    return Waiting.objects.exclude(pk__in=_waiting().values("pk"))


def _waiting() -> QuerySet[Waiting]:
    """Return the entries that wait for the streaming cache."""
    return Waiting.objects.filter(in_flight=False)


def forget_nodes(nodes: Sequence[UUID]) -> None:
    """Nothing of deleted nodes is streamed any more."""
    waiting = Waiting.objects.filter(node__in=nodes)
    if waiting.exists():  # to delete nothing would still make others wait
        waiting.delete()


def give_up(ids: Sequence[int]) -> None:
    """Keep nothing of these updates but that they were there."""
    Waiting.objects.filter(id__in=ids).update(
        kind=Kind.LOST, size=0, before=b"", after=b"", payload=None, in_flight=False
    )


def lose_of_other_memory(node: UUID, memory: str) -> int:
    """Give up the updates that were in flight before Redis was emptied; return how many.

    Subscribers may have received them from the stream that is lost. They become a gap, which is
    reported, so that no update is sent twice. Call it for a stream of which Redis holds nothing.
    """
    first = list(_waiting().filter(node=node).order_by("id")[:1].values_list("memory", flat=True))
    if not memory or not first or first[0] in ("", memory):
        return 0
    rows = _waiting().filter(node=node, kind=Kind.UPDATE).exclude(memory__in=["", memory])
    return rows.update(kind=Kind.LOST, size=0, before=b"", after=b"", payload=None, memory="")


def trim(limit: int) -> int:
    """Give up the oldest updates until no more than `limit` bytes wait. How many were given up.

    Only for who holds the drain's lock.
    """
    total = _waiting().aggregate(size=Sum("size"))["size"] or 0
    if total <= limit:
        return 0
    ids, excess = [], total - limit + limit // SPARE
    oldest = _waiting().filter(size__gt=0).order_by("id").values_list("id", "size")
    for pk, size in oldest.iterator():
        ids.append(pk)
        excess -= size
        if excess <= 0:
            break
    with transaction.atomic():
        for first in range(0, len(ids), BATCH_COUNT):
            give_up(ids[first : first + BATCH_COUNT])
        _merge_lost()
    return len(ids)


def _merge_lost() -> None:
    """Let one row stand for all lost updates in the front of each node's."""
    lost = _waiting().filter(kind=Kind.LOST)
    crowds = lost.values("node").annotate(rows=Count("id")).filter(rows__gt=1)
    for node in crowds.values_list("node", flat=True):
        _merge(_leading_lost(node))


def _leading_lost(node: UUID) -> list[Waiting]:
    rows = _waiting().filter(node=node).order_by("id")
    other = rows.exclude(kind=Kind.LOST).values_list("id", flat=True).first()
    found = rows if other is None else rows.filter(id__lt=other)
    return list(found.defer("before", "after", "payload"))


def _merge(lost: list[Waiting]) -> None:
    if len(lost) < 2:
        return
    *others, last = lost
    Waiting.objects.filter(id=last.pk).update(
        count=sum(entry.count for entry in lost),
        # Of the writes of a node only the one that found out can have been tried.
        tried=next((entry.tried for entry in lost if entry.tried), ""),
    )
    Waiting.objects.filter(id__gte=others[0].pk, id__lte=others[-1].pk, node=last.node).delete()
