"""Record updates in the outbox, each within the transaction of its write.

This is the path of every write, so it is one SQL statement: it inserts the entry and returns the
entry that precedes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from catalog.database_vendor import on_postgresql
from catalog.locks.transaction_locks import is_single_statement

from ..models import EntryKind, Retained, Waiting
from . import outbox, retained
from .log import last_memory_id, new_token
from .updates import MAX_INLINE_BYTES, EncodedUpdate

# A longer entry in flight would cost every such write more than a gap costs the rare one that is
# interrupted.
MAX_IN_FLIGHT_BYTES = MAX_INLINE_BYTES + 16 * 1024
_TABLE = Waiting._meta.db_table
_PRECEDING = (
    f"(SELECT CASE WHEN earlier.in_flight THEN 'f' ELSE 'w' END || earlier.id || ' ' "  # noqa: S608
    f"|| earlier.token FROM {_TABLE} AS earlier WHERE earlier.node = {_TABLE}.node "
    f"AND earlier.id < {_TABLE}.id ORDER BY earlier.id DESC LIMIT 1)"
)
_PRECEDING_RETAINED = (
    f"(SELECT 'r' || earlier.id || ' ' || earlier.token "  # noqa: S608
    f"FROM {Retained._meta.db_table} AS earlier WHERE earlier.node = {_TABLE}.node "
    "ORDER BY earlier.id DESC LIMIT 1)"
)
_MARKS = ", ".join(["%s"] * 9)
_INSERT_MANY = (
    f"INSERT INTO {_TABLE} "
    "(node, kind, token, size, since, before, after, payload, memory, tried, count, in_flight) "
    "VALUES"
)
# SQLite and PostgreSQL limit the parameters of a statement.
MAX_ROWS_PER_INSERT = 500
# Returns the preceding entry together with the new ID, in one round trip.
_INSERT = (
    f"INSERT INTO {_TABLE} "  # noqa: S608
    "(node, kind, token, size, since, before, after, payload, memory, tried, count, in_flight) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', 1, true) RETURNING id, "
)
_INSERT_ALONE = _INSERT + _PRECEDING
_INSERT_BEHIND_RETAINED = f"{_INSERT} COALESCE({_PRECEDING}, {_PRECEDING_RETAINED})"
# Reuses the row of an entry that is in its stream, if its node has no other.
_REPLACE = (
    f"UPDATE {_TABLE} SET node = %s, kind = %s, token = %s, size = %s, since = %s, "  # noqa: S608
    "before = %s, after = %s, payload = %s, memory = %s "
    f"WHERE id = %s AND token = %s AND in_flight AND NOT EXISTS (SELECT 1 FROM {_TABLE} AS other "
    f"WHERE other.node = {_TABLE}.node AND other.id <> {_TABLE}.id) RETURNING id"
)
# A write that changes no other row does not wait for its bytes to reach the disk either, so its
# entry need not be flushed on commit.
_WITHOUT_SYNC = (
    "WITH kept AS ({}) SELECT kept.* FROM kept, "
    "(SELECT set_config('synchronous_commit', 'off', true) AS mode) AS unsynced "
    "WHERE mode IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as its writer recorded it; `before` is the one that precedes it in its node."""

    pk: int
    node: UUID
    token: str
    before: PrecedingEntry | None

    @property
    def waits(self) -> bool:
        """Whether it is behind others that wait for the streaming cache."""
        return self.before is not None and not self.before.in_flight

    def is_stored(self) -> bool:
        """Return whether it is in the database: then the transaction of its write was committed."""
        return Waiting.objects.filter(pk=self.pk, token=self.token).exists()


class PrecedingEntry(NamedTuple):
    """The entry before another one of the same node; `retained` if it is in its stream."""

    pk: int
    token: str
    in_flight: bool
    retained: bool = False


def record(
    node: UUID, update: EncodedUpdate, token: str = "", published: RecordedEntry | None = None
) -> RecordedEntry:
    """Record an update within the transaction of its write: in flight, unless others wait.

    It reuses the row of `published`, an entry that is in its stream, if that is the only one of the
    node. A large payload is not stored twice: of such an update in flight, the entry records only
    that it existed.
    """
    # Each access to `django.db.connection` looks up that of the current thread again.
    database = connections[DEFAULT_DB_ALIAS]
    token = token or new_token()
    values = _values(node, update, token, database)
    if published is not None and _replace(published, values, database):
        return RecordedEntry(published.pk, node, token, None)
    pk, before = _insert(values, database)
    entry = RecordedEntry(pk, node, token, before)
    if entry.waits:
        # It is drained with the others, so it needs all of its content.
        outbox.defer(pk, token, update, tried=False)
    return entry


def record_many(
    node: UUID, updates: Sequence[EncodedUpdate], last_token: str = ""
) -> list[RecordedEntry]:
    """Record updates of one node within the transaction of their writes, as `record` does.

    The last one gets `last_token`, if that is given.
    """
    database = connections[DEFAULT_DB_ALIAS]
    tokens = [new_token() for _ in updates[:-1]] + [last_token or new_token()]
    first = record(node, updates[0], tokens[0])
    entries = [first]
    for begin in range(1, len(updates), MAX_ROWS_PER_INSERT):
        rows: list[Any] = []
        end = min(begin + MAX_ROWS_PER_INSERT, len(updates))
        for update, token in zip(updates[begin:end], tokens[begin:end], strict=True):
            rows += _values(node, update, token, database, whole=first.waits)
            rows.append(not first.waits)
        marks = ", ".join([f"({_MARKS}, '', 1, %s)"] * (end - begin))
        with database.cursor() as cursor:
            cursor.execute(f"{_INSERT_MANY} {marks} RETURNING id", rows)
            numbers = sorted(row[0] for row in cursor.fetchall())
        for pk, token in zip(numbers, tokens[begin:end], strict=True):
            last = entries[-1]
            before = PrecedingEntry(last.pk, last.token, not first.waits)
            entries.append(RecordedEntry(pk, node, token, before))
    return entries


def _values(
    node: UUID, update: EncodedUpdate, token: str, database: Any, *, whole: bool = False
) -> list[Any]:
    """Return the columns of an entry; of a large update in flight, without its content."""
    fits = whole or update.size <= MAX_IN_FLIGHT_BYTES
    stored = update if fits else EncodedUpdate(b"", b"")
    return [
        outbox.adapted(node, database),
        (EntryKind.UPDATE if fits else EntryKind.LOST).value,
        token,
        stored.size,
        database.ops.adapt_datetimefield_value(timezone.now()),
        stored.before,
        stored.after,
        stored.payload,
        last_memory_id(node),
    ]


def _insert(values: list[Any], database: Any) -> tuple[int, PrecedingEntry | None]:
    """Insert an entry in flight; return its ID, and the entry of its node before it."""
    sql = _INSERT_BEHIND_RETAINED if retained.is_on() else _INSERT_ALONE
    pk, last = _execute(sql, values, database)
    if last is None:
        return pk, None
    number, _, token = last[1:].partition(" ")
    return pk, PrecedingEntry(int(number), token, last[0] != "w", last[0] == "r")


def _replace(published: RecordedEntry, values: list[Any], database: Any) -> bool:
    """Put an entry in flight into the row of a published one, if that is possible."""
    return _execute(_REPLACE, [*values, published.pk, published.token], database) is not None


def _execute(sql: str, values: list[Any], database: Any) -> Any:
    alone = on_postgresql() and is_single_statement()
    with database.cursor() as cursor:
        cursor.execute(_WITHOUT_SYNC.format(sql) if alone else sql, values)
        return cursor.fetchone()
