"""How far producers have come in the nodes that they write to: each frame is stored once.

The number of a frame is stored within the transaction of its write, when the event of that write is
recorded. A frame that is sent again, because its acknowledgement was lost, is found to be stored
already. So is one that another connection of the same producer has stored meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from core.errors import Conflict

from ..models import ProducerProgress
from .outbox import adapted

# A producer that is away for longer, with frames that are not acknowledged, may store them twice.
KEEP = timedelta(days=7)
_TABLE = ProducerProgress._meta.db_table
_SELECT = f"SELECT sequence FROM {_TABLE} WHERE node = %s AND producer = %s"  # noqa: S608
_UPDATE = (
    f"UPDATE {_TABLE} SET sequence = %s, time = %s "  # noqa: S608
    "WHERE node = %s AND producer = %s AND sequence < %s"
)
_INSERT = (
    f"INSERT INTO {_TABLE} (node, producer, sequence, time) "  # noqa: S608
    "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


class AlreadyStored(Conflict):
    """These frames were stored before. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__("This frame was stored before.")


@dataclass(frozen=True, slots=True)
class ProducerMark:
    """Frames `first` to `last` of a producer for a node, which are about to be stored."""

    node: UUID
    producer: str
    first: int
    last: int


class _Current(threading.local):
    mark: ProducerMark | None = None


_current = _Current()


@contextmanager
def marking(mark: ProducerMark) -> Iterator[None]:
    """Store `mark` with the write of the body: in its transaction, in this thread."""
    _current.mark = mark
    try:
        yield
    finally:
        _current.mark = None


def store_current() -> None:
    """Store the mark of the write in progress, if it has one. Call it in its transaction.

    Raises AlreadyStored.
    """
    mark, _current.mark = _current.mark, None
    if mark is None:
        return
    node, now = adapted(mark.node, connection), timezone.now()
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [mark.last, moment, node, mark.producer, mark.first])
        if not cursor.rowcount:
            cursor.execute(_INSERT, [node, mark.producer, mark.last, moment])
            if not cursor.rowcount:
                raise AlreadyStored


def stored_sequence(node: UUID, producer: str) -> int:
    """Return the number of the last frame of a producer that is stored in a node, or 0."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT, [adapted(node, connection), producer])
        row: Any = cursor.fetchone()
    return row[0] if row else 0


def delete_expired() -> int:
    """Delete what was not changed for a long time; return how many rows."""
    return ProducerProgress.objects.filter(time__lt=timezone.now() - KEEP).delete()[0]
