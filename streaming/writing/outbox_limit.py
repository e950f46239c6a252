"""Limit the size of the outbox: discard the oldest updates, which become gaps in their streams."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Sum

from ..models import EntryKind, Waiting
from . import outbox

# How much more than the excess to discard: 1/16 of the limit. Otherwise every check would find
# some excess.
SPARE_SHARE = 16


def trim(limit: int, among: Callable[[UUID], bool] | None = None) -> int:
    """Discard the oldest updates until at most `limit` bytes wait; return how many.

    Only those of the nodes `among` all are discarded, if that is given: those of one shard. The
    caller must hold the lock of its outbox worker.
    """
    total = outbox.waiting().aggregate(size=Sum("size"))["size"] or 0
    if total <= limit:
        return 0
    ids, excess = [], total - limit + limit // SPARE_SHARE
    oldest = outbox.waiting().filter(size__gt=0).order_by("id")
    for pk, size, node in oldest.values_list("id", "size", "node").iterator():
        if among is not None and not among(node):
            continue
        ids.append(pk)
        excess -= size
        if excess <= 0:
            break
    with transaction.atomic():
        for first in range(0, len(ids), outbox.MAX_BATCH_ENTRIES):
            outbox.mark_lost(ids[first : first + outbox.MAX_BATCH_ENTRIES])
        _merge_lost(among)
    return len(ids)


def _merge_lost(among: Callable[[UUID], bool] | None) -> None:
    """Let one row stand for all lost updates at the front of each node's entries."""
    lost = outbox.waiting().filter(kind=EntryKind.LOST)
    nodes = lost.values("node").annotate(rows=Count("id")).filter(rows__gt=1)
    for node in filter(among, nodes.values_list("node", flat=True)):
        _merge(_leading_lost(node))


def _leading_lost(node: UUID) -> list[Waiting]:
    rows = outbox.waiting().filter(node=node).order_by("id")
    other = rows.exclude(kind=EntryKind.LOST).values_list("id", flat=True).first()
    found = rows if other is None else rows.filter(id__lt=other)
    return list(found.defer("before", "after", "payload"))


def _merge(lost: list[Waiting]) -> None:
    if len(lost) < 2:
        return
    *others, last = lost
    Waiting.objects.filter(id=last.pk).update(
        count=sum(entry.count for entry in lost),
        # Only the write that met the outage can have been tried: the later ones waited at once.
        tried=next((entry.tried for entry in lost if entry.tried), ""),
    )
    Waiting.objects.filter(id__gte=others[0].pk, id__lte=others[-1].pk, node=last.node).delete()
