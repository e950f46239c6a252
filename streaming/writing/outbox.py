"""The outbox: entries that are not in their streams yet, in a table of the database.

Transitions of an entry; `tried` is the token under which it may have reached the stream:

=============  ====================================================  ===========================
state          how it gets there                                     and leaves
=============  ====================================================  ===========================
in flight      `outbox_recording.record`, in the transaction of      `remove`, when its writer
               its write                                             has published it; or waits
waiting        at once, behind others of its node that wait;         `remove`, when the worker
               `defer`, if its writer could not publish it;          has published it
               `defer_all`, if its writer left it behind (`tried`)
waiting, lost  `mark_lost`: only that it existed is stored           the same; it becomes a gap
removed        it is in its stream; or its row is reused for the     -
               next entry of its node
=============  ====================================================  ===========================

While entries of a node wait, everything persisted there waits behind them, so that the order of its
stream is that of storage. Writers hold the lock of the node. The worker removes an entry only after
it is in the stream, so each reaches it at least once; the token makes that exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Min, QuerySet, Sum

from catalog.database_vendor import on_postgresql

from ..models import EntryKind, Waiting
from . import retained
from .log import new_token
from .updates import EncodedUpdate

# PostgreSQL accepts statements of up to a gigabyte, in which a byte takes two characters.
MAX_ENTRY_BYTES = 256 << 20
MAX_BATCH_ENTRIES = 64
MAX_BATCH_BYTES = 8 << 20
MAX_REMOVED_AT_ONCE = 500
MAX_IN_FLIGHT_READ = 4096
_TABLE = Waiting._meta.db_table
_NODE: Any = Waiting._meta.get_field("node")


@dataclass(frozen=True, slots=True)
class Backlog:
    """The number and size of the updates that wait, of one node or of all."""

    count: int
    size: int
    since: datetime | None


def adapted(node: UUID, database: Any) -> Any:
    """Return the ID of a node as the database stores it."""
    return _NODE.get_db_prep_value(node, database)


def defer(pk: int, token: str, update: EncodedUpdate, *, tried: bool) -> None:
    """Let an entry in flight wait, `tried` if it may have reached the stream nevertheless."""
    rows = Waiting.objects.filter(pk=pk, token=token)
    tries = token if tried else ""
    rows.update(**_content(update), in_flight=False, tried=tries, memory="")


def _content(update: EncodedUpdate) -> dict[str, Any]:
    if update.size > MAX_ENTRY_BYTES:
        return {"kind": EntryKind.LOST, "size": 0, "before": b"", "after": b"", "payload": None}
    before, after, payload = update
    return {
        "kind": EntryKind.UPDATE,
        "size": update.size,
        "before": before,
        "after": after,
        "payload": payload,
    }


def defer_all(nodes: Collection[UUID]) -> int:
    """Let everything of these nodes wait; return how many entries were in flight.

    Their writers may still publish them, so each counts as tried under its own token.
    """
    rows = Waiting.objects.filter(node__in=nodes, in_flight=True)
    return rows.update(in_flight=False, tried=F("token"))


def in_flight() -> dict[tuple[int, str], UUID]:
    """Return the nodes of the oldest entries in flight, by the ID and token of the entry."""
    rows = _in_flight().order_by("pk").values_list("pk", "token", "node")[:MAX_IN_FLIGHT_READ]
    return {(pk, token): node for pk, token, node in rows}


def has_entries(nodes: Sequence[UUID]) -> bool:
    """Return whether there is any entry of these nodes."""
    return Waiting.objects.filter(node__in=nodes).exists()


def has_token(node: UUID, token: str) -> bool:
    """Return whether there is an entry of `node` with this token."""
    return Waiting.objects.filter(node=node, token=token).exists()


def deletions_in_flight() -> list[UUID]:
    """Return the nodes whose deletion is in flight."""
    return list(_in_flight().filter(kind=EntryKind.DROP).values_list("node", flat=True))


def has_backlog(node: UUID) -> bool:
    """Return whether any entry of `node` waits for the streaming cache."""
    return waiting().filter(node=node).exists()


def add_update(node: UUID, update: EncodedUpdate, tried: str = "") -> None:
    """Add an update that waits; `tried` is the token under which it may be in the stream."""
    Waiting.objects.create(node=node, token=tried or new_token(), tried=tried, **_content(update))


def add_end(node: UUID, token: str = "") -> None:
    """Add an end of stream that waits, unless one with the same `token` does already."""
    if token and waiting().filter(node=node, kind=EntryKind.END, token=token).exists():
        return
    Waiting.objects.create(node=node, kind=EntryKind.END, token=token or new_token())


def add_deletions(nodes: Sequence[UUID]) -> None:
    """Add the deletion of nodes that waits, in place of all their other entries."""
    with transaction.atomic():
        Waiting.objects.filter(node__in=nodes).delete()
        Waiting.objects.bulk_create(
            [Waiting(node=node, kind=EntryKind.DROP, token=new_token()) for node in nodes]
        )


def record_deletions(nodes: Sequence[UUID]) -> None:
    """Record the deletion of nodes within its transaction, in place of all their entries."""
    for first in range(0, len(nodes), MAX_BATCH_ENTRIES):
        Waiting.objects.filter(node__in=nodes[first : first + MAX_BATCH_ENTRIES]).delete()
    rows = [
        Waiting(node=node, kind=EntryKind.DROP, token=new_token(), in_flight=True) for node in nodes
    ]
    Waiting.objects.bulk_create(rows, batch_size=MAX_BATCH_ENTRIES)


def backlog(node: UUID | None = None) -> Backlog:
    """Return the number and size of the updates that wait, of `node` or of all nodes."""
    rows = waiting() if node is None else waiting().filter(node=node)
    found = rows.aggregate(count=Sum("count"), size=Sum("size"), since=Min("since"))
    return Backlog(found["count"] or 0, found["size"] or 0, found["since"])


def deleted_nodes() -> list[UUID]:
    """Return the nodes whose deletion waits."""
    return list(waiting().filter(kind=EntryKind.DROP).values_list("node", flat=True))


def next_node(
    without: Collection[UUID] = (), among: Callable[[UUID], bool] | None = None
) -> UUID | None:
    """Return the node whose oldest entry has waited longest, or None; only one `among` others."""
    rows = waiting().exclude(node__in=without) if without else waiting()
    if among is None:
        return rows.order_by("id").values_list("node", flat=True).first()
    oldest = rows.values("node").annotate(oldest=Min("id")).order_by("oldest")
    return next(filter(among, oldest.values_list("node", flat=True)), None)


def next_batch(node: UUID) -> list[Waiting]:
    """Return the oldest entries of `node`, limited in number and bytes, and at least one."""
    ids: list[int] = []
    size = 0
    rows = waiting().filter(node=node).order_by("id")
    for pk, bytes_ in rows.values_list("id", "size")[:MAX_BATCH_ENTRIES]:
        size += bytes_
        if ids and size > MAX_BATCH_BYTES:
            break
        ids.append(pk)
    return list(rows.filter(id__in=ids))


def remove(tokens: Mapping[int, str]) -> None:
    """Remove entries that are in their stream, by ID and token.

    The token, because PostgreSQL assigns an ID again if it crashed before the first entry with it
    was on disk. In PostgreSQL, entries that another transaction is changing are left: the deletion
    of a node with children changes the entries of several nodes, and both would deadlock. Those
    left are replaced, removed, or found in their stream once they have been in flight for a while.
    """
    found = f"SELECT id FROM {_TABLE} WHERE id IN ({{0}}) AND token IN ({{0}})"  # noqa: S608
    if on_postgresql():
        found += " FOR UPDATE SKIP LOCKED"
    entries = list(tokens.items())
    for first in range(0, len(entries), MAX_REMOVED_AT_ONCE):
        ids, names = zip(*entries[first : first + MAX_REMOVED_AT_ONCE], strict=True)
        marks = ", ".join(["%s"] * len(ids))
        _remove_published(f"id IN ({found.format(marks)})", [*ids, *names])


def _remove_published(condition: str, values: Sequence[Any]) -> None:
    """Remove the entries that meet an SQL condition; they are in their streams."""
    if retained.is_on():
        with transaction.atomic():
            retained.retain(condition, values)
            _delete(condition, values)
    else:
        _delete(condition, values)


def _delete(condition: str, values: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} WHERE {condition}", values)  # noqa: S608


def remove_up_to(node: UUID, pk: int, token: str) -> None:
    """Remove an entry that is in its stream, and the older ones of its node.

    If it does not exist any more, the others stay: they may be new ones by now.
    """
    _remove_published(
        "node = %s AND id <= %s "  # noqa: S608
        f"AND EXISTS (SELECT 1 FROM {_TABLE} AS last WHERE last.id = %s AND last.token = %s)",
        [adapted(node, connection), pk, pk, token],
    )


def remove_through_token(node: UUID, token: str) -> int:
    """Remove the entry with `token`, if any, and all before it; return their number."""
    last = Waiting.objects.filter(node=node, token=token).only("pk").first() if token else None
    if last is None:
        return 0
    count = Waiting.objects.filter(node=node, pk__lte=last.pk).count()
    _remove_published("node = %s AND id <= %s", [adapted(node, connection), last.pk])
    return count


def _in_flight() -> QuerySet[Waiting]:
    """Return the entries in flight: those that the index of waiting entries does not have.

    In SQLite the column `in_flight` is stored behind the payload, and to read it for a hundred
    thousand entries takes a second. An index for it would have to be updated with every write.
    """
    return Waiting.objects.exclude(pk__in=waiting().values("pk"))


def waiting() -> QuerySet[Waiting]:
    """Return the entries that wait for the streaming cache."""
    return Waiting.objects.filter(in_flight=False)


def remove_nodes(nodes: Sequence[UUID]) -> None:
    """Remove all entries of deleted nodes."""
    retained.forget(nodes)
    rows = Waiting.objects.filter(node__in=nodes)
    if rows.exists():  # a DELETE without rows would still take SQLite's write lock
        rows.delete()


def mark_lost(ids: Sequence[int]) -> None:
    """Discard the content of these updates: they become gaps in their streams."""
    Waiting.objects.filter(id__in=ids).update(
        kind=EntryKind.LOST, size=0, before=b"", after=b"", payload=None, in_flight=False
    )


def mark_lost_of_other_memory(node: UUID, memory_id: str) -> int:
    """Discard the updates that were in flight before Redis was emptied; return how many.

    Subscribers may have received them from the stream that is lost. They become a reported gap, so
    that no update is sent twice. Call it for a stream of which Redis has nothing.
    """
    first = list(waiting().filter(node=node).order_by("id")[:1].values_list("memory", flat=True))
    if not memory_id or not first or first[0] in ("", memory_id):
        return 0
    rows = waiting().filter(node=node, kind=EntryKind.UPDATE).exclude(memory__in=["", memory_id])
    return rows.update(kind=EntryKind.LOST, size=0, before=b"", after=b"", payload=None, memory="")
