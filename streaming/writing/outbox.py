"""What waits for its place in a stream, in the database.

While a node has something here, everything that is persisted there goes behind it, so that the
order of its stream stays that of storage. Whoever asks and adds holds the node's lock; whoever
takes away (`drain`) does so only after it is in the stream.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Min, Sum

from ..models import Kind, Waiting
from .log import new_token
from .updates import Update

# PostgreSQL takes no text of a gigabyte, and bytes are written with two letters each.
LARGEST = 256 << 20
BATCH_COUNT = 64
BATCH_BYTES = 8 << 20
# What is over the limit is given up with a little more, so that not every look finds some.
SPARE = 16
_ANY_OF_NODE = f"SELECT 1 FROM {Waiting._meta.db_table} WHERE node = %s LIMIT 1"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, of one node or of all."""

    count: int
    size: int
    since: datetime | None


def waits(node: UUID) -> bool:
    """Whether anything of `node` waits. Asked at every persisted write."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_OF_NODE, [node.hex])
        return cursor.fetchone() is not None


def add_update(node: UUID, update: Update, tried: str = "") -> None:
    """Keep an update until it can be streamed; `tried` is the token it had when that failed.

    Of one too large for a row only that it was there.
    """
    if update.size > LARGEST:
        add_lost(node, tried)
        return
    Waiting.objects.create(
        node=node,
        kind=Kind.UPDATE,
        token=tried or new_token(),
        tried=tried,
        size=update.size,
        before=update.before,
        after=update.after,
        payload=update.payload,
    )


def add_lost(node: UUID, tried: str = "") -> None:
    """Keep in mind that there was an update."""
    Waiting.objects.create(node=node, kind=Kind.LOST, token=tried or new_token(), tried=tried)


def add_end(node: UUID) -> None:
    """Keep an end of stream."""
    Waiting.objects.create(node=node, kind=Kind.END, token=new_token())


def add_drops(nodes: Sequence[UUID]) -> None:
    """Keep the deletion of nodes, in place of everything about them."""
    with transaction.atomic():
        Waiting.objects.filter(node__in=nodes).delete()
        Waiting.objects.bulk_create(
            [Waiting(node=node, kind=Kind.DROP, token=new_token()) for node in nodes]
        )


def backlog(node: UUID | None = None) -> Backlog:
    """How much waits, of `node` or of all."""
    rows = Waiting.objects.all() if node is None else Waiting.objects.filter(node=node)
    found = rows.aggregate(count=Sum("count"), size=Sum("size"), since=Min("since"))
    return Backlog(found["count"] or 0, found["size"] or 0, found["since"])


def deleted_nodes() -> list[UUID]:
    """The nodes whose deletion waits."""
    return list(Waiting.objects.filter(kind=Kind.DROP).values_list("node", flat=True))


def next_node(without: Collection[UUID] = ()) -> UUID | None:
    """The node whose oldest entry has waited longest."""
    rows = Waiting.objects.exclude(node__in=without) if without else Waiting.objects.all()
    return rows.order_by("id").values_list("node", flat=True).first()


def next_batch(node: UUID) -> list[Waiting]:
    """The oldest entries of `node`, bounded in number and bytes, and one at least."""
    ids: list[int] = []
    size = 0
    rows = Waiting.objects.filter(node=node).order_by("id")
    for pk, bytes_ in rows.values_list("id", "size")[:BATCH_COUNT]:
        size += bytes_
        if ids and size > BATCH_BYTES:
            break
        ids.append(pk)
    return list(rows.filter(id__in=ids))


def forget(entries: Iterable[Waiting]) -> None:
    """They are in their stream."""
    Waiting.objects.filter(id__in=[entry.pk for entry in entries]).delete()


def forget_nodes(nodes: Sequence[UUID]) -> None:
    """Nothing of deleted nodes is streamed any more."""
    waiting = Waiting.objects.filter(node__in=nodes)
    if waiting.exists():  # to delete nothing would still make others wait
        waiting.delete()


def give_up(ids: Sequence[int]) -> None:
    """Keep nothing of these updates but that they were there."""
    Waiting.objects.filter(id__in=ids).update(
        kind=Kind.LOST, size=0, before=b"", after=b"", payload=None
    )


def trim(limit: int) -> int:
    """Give up the oldest updates until no more than `limit` bytes wait. How many were given up.

    Only for who holds the drain's lock.
    """
    total = Waiting.objects.aggregate(size=Sum("size"))["size"] or 0
    if total <= limit:
        return 0
    ids, excess = [], total - limit + limit // SPARE
    oldest = Waiting.objects.filter(size__gt=0).order_by("id").values_list("id", "size")
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
    lost = Waiting.objects.filter(kind=Kind.LOST)
    crowds = lost.values("node").annotate(rows=Count("id")).filter(rows__gt=1)
    for node in crowds.values_list("node", flat=True):
        _merge(_leading_lost(node))


def _leading_lost(node: UUID) -> list[Waiting]:
    rows = Waiting.objects.filter(node=node).order_by("id")
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
