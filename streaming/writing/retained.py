"""Keep published entries for a while, and publish again those that a failover of Redis has lost.

A primary acknowledges an append before its replicas have it. The replica that is promoted may lack
the newest entries, which shows in the token of the last persisted write in its streams:

===============================  ===================================================================
token in the stream              entries of the node that are retained
===============================  ===================================================================
that of the newest one           all are in the stream
that of an earlier one           those after it are lost: they wait in the outbox again
that of an entry in the outbox   all are in the stream: that entry is behind them
none, and Redis was emptied      forgotten: the stream begins again, in another epoch
none, or unknown                 all are lost: the replica was further behind than entries are kept
===============================  ===================================================================

Without replication (`retained_seconds` is 0) nothing is retained.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from ..config import streaming_cache_settings
from ..models import Retained, Waiting

_NODE: Any = Retained._meta.get_field("node")
_COLUMNS = ["id", "node", "kind", "token", "count", "size", "since", "memory"]
_CONTENT = ["before", "after", "payload"]
_TABLE, _OUTBOX = Retained._meta.db_table, Waiting._meta.db_table
_ALL = ", ".join(_COLUMNS + _CONTENT)
# PostgreSQL assigns an ID again if it crashed before the first entry with it was on disk.
_RENEWED = ", ".join(
    f"{name} = excluded.{name}" for name in [*_COLUMNS[1:], "published", *_CONTENT]
)
_RETAIN = (
    f"INSERT INTO {_TABLE} ({_ALL}, published) SELECT {_ALL}, %s FROM {_OUTBOX} "  # noqa: S608
    f"WHERE {{}} ON CONFLICT (id) DO UPDATE SET {_RENEWED}"
)
_RESTORE = (
    f"INSERT INTO {_OUTBOX} ({_ALL}, tried, in_flight) SELECT {_ALL}, token, false "  # noqa: S608
    f"FROM {_TABLE} WHERE node = %s AND id > %s"
)


def is_on() -> bool:
    """Return whether published entries are retained."""
    return streaming_cache_settings().retained_seconds > 0


def retain(condition: str, values: Sequence[Any]) -> None:
    """Copy the entries of the outbox that meet an SQL condition, before they are removed there."""
    if is_on():
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_RETAIN.format(condition), [now, *values])


def restore(node: UUID, last: str, memory_id: str) -> int:
    """Let the retained entries of `node` wait that are not in its stream; return how many.

    `last` is the token of the last persisted write in the stream, `memory_id` the ID of the content
    of Redis. The caller must hold the lock of the outbox worker.
    """
    rows = Retained.objects.filter(node=node)
    known = {token: (pk, memory) for pk, token, memory in rows.values_list("id", "token", "memory")}
    if not known or (last and Waiting.objects.filter(node=node, token=last).exists()):
        return 0
    memories = {memory for _, memory in known.values()}
    if not last and memory_id and memories.isdisjoint({"", memory_id}):
        rows.delete()
        return 0
    after = known[last][0] if last in known else 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RESTORE, [_NODE.get_db_prep_value(node, connection), after])
        count: int = rows.filter(id__gt=after).delete()[0]
    return count


def has(node: UUID, token: str) -> bool:
    """Return whether an entry of `node` with this token is retained."""
    return is_on() and Retained.objects.filter(node=node, token=token).exists()


def newest_tokens() -> dict[UUID, str]:
    """Return the token of the newest retained entry of each node."""
    newest = Retained.objects.values("node").annotate(newest=Max("id")).values("newest")
    return dict(Retained.objects.filter(id__in=newest).values_list("node", "token"))


def expire(nodes: Collection[UUID], seconds: float) -> None:
    """Delete the entries of these nodes that were published more than `seconds` ago."""
    rows = Retained.objects.filter(published__lt=timezone.now() - timedelta(seconds=seconds))
    expired = list(rows.filter(node__in=nodes).values_list("id", flat=True))
    if expired:  # a DELETE without rows would still take SQLite's write lock
        Retained.objects.filter(id__in=expired).delete()


def forget(nodes: Sequence[UUID]) -> None:
    """Delete the entries of deleted nodes."""
    if is_on():
        Retained.objects.filter(node__in=nodes).delete()
