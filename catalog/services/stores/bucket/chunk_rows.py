"""The rows that say which object is current for each chunk of an array.

| `chunks_written` | chunks within the shape | a write changes it to |
| --- | --- | --- |
| `none` | none was written | `all` (a write to all chunks), `some` |
| `all` | all were: those with a `Chunk` in its object, others in that of their index | `some` (a \
growth of which it leaves out chunks) |
| `some` | those with a `Chunk` were written | `all` (a write to all chunks) |

A row stays once an object other than that of the index was current: what Zarr names by the index is
then a copy for other readers, and may change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from django.db import connection
from django.utils import timezone

from ....database_vendor import vendor
from ....models import Chunk, DataSource, ReplacedObject
from ....storage.chunk_objects import Index, Names, index_text, plain_name
from ....storage.regions import chunks_of, count_chunks, whole

NONE, SOME, ALL = "none", "some", "all"
# Up to this number, rows are selected by the index of the chunk, otherwise by its first number.
MAX_NAMED_INDICES = 32
BATCH = 500
ANY_ROW = range(1 << 62)


@dataclass(frozen=True, slots=True)
class ChunkState:
    """Chunk size, state and rows of an array in one moment; `rows` are names by index text."""

    generation: int
    chunk: tuple[int, ...]
    written: str
    rows: Mapping[str, str]

    def name(self, index: Index) -> str | None:
        """Return the current object of a chunk within the shape; None if it was never written."""
        known = self.rows.get(index_text(index))
        return plain_name(index) if known is None and self.written == ALL else known

    def names_within(self, shape: Sequence[int]) -> Names:
        """Return `name` for chunks of a (stored) shape; None for all others."""

        def name(index: Index) -> str | None:
            pairs = zip(index, self.chunk, shape, strict=True)
            return self.name(index) if all(n * size < end for n, size, end in pairs) else None

        return name


def read_state(source: int, touched: Sequence[Index] | None = None) -> ChunkState | None:
    """Return the state of an array, with the rows of `touched` chunks, or all, and maybe others.

    Returns None if the data source does not exist, or is not of an array in this bucket.
    """
    if touched is not None and len(touched) <= MAX_NAMED_INDICES:
        texts = [index_text(index) for index in touched] or [""]
        found = _fetch(_sql(vendor(), len(texts)), [*texts, source])
    else:
        rows = ANY_ROW if touched is None else _row_range(touched)
        found = _fetch(_sql(vendor(), 0), [rows.start, rows.stop - 1, source])
    if not found or found[0][1] is None:
        return None
    generation, grid, written = found[0][:3]
    names = {index: name for *_, index, name in found if index}
    return ChunkState(generation, parse_grid(grid), written, names)


def store_chunks(
    source: int,
    node: Any,
    known: ChunkState,
    written: Mapping[Index, str],
    *,
    state: str,
    before: Sequence[int],
) -> None:
    """Make the objects in `written` current, of an array whose (stored) shape was `before`.

    Call it in the transaction that has compared the generation of `known`.
    """
    if state == SOME and known.written == ALL:
        name_chunks(source, chunks_of(whole(before), known.chunk))
    now = timezone.now()
    rows = [
        Chunk(
            data_source_id=source,
            row=index[0] if index else 0,
            index=index_text(index),
            name=name,
            plain=name == plain_name(index),
            time=now,
        )
        for index, name in written.items()
        if state == SOME or name != plain_name(index)
    ]
    if rows:
        _upsert(rows)
    visible = known.names_within(before)
    replaced = [(index, visible(index)) for index in written]
    ReplacedObject.objects.bulk_create(
        [
            ReplacedObject(node=node, name=name)
            for index, name in replaced
            if name is not None and name != plain_name(index)
        ],
        batch_size=BATCH,
    )


def state_after(
    known: ChunkState,
    written: Iterable[Index],
    chunk: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
) -> str:
    """Return the state after a write of some chunks, during a growth of the (stored) shape."""
    touched = list(written)
    total = count_chunks(whole(after), chunk)
    if known.written == ALL:
        pairs = [zip(index, chunk, before, strict=True) for index in touched]
        new = sum(not all(n * size < end for n, size, end in pair) for pair in pairs)
        return ALL if new == total - count_chunks(whole(before), chunk) else SOME
    if len(touched) == total:
        return ALL
    return SOME if touched else known.written


def format_grid(chunk: Sequence[int]) -> str:
    """Return the chunk size as it is stored."""
    return ",".join(map(str, chunk))


def parse_grid(text: str) -> tuple[int, ...]:
    """Return the chunk size that `format_grid` has written."""
    return tuple(map(int, text.split(","))) if text else ()


def note_description(source: int) -> None:
    """Record that `zarr.json` of an array is older than its structure. Call it in its write."""
    _upsert(
        [
            Chunk(
                data_source_id=source,
                row=-1,
                index="",
                name="zarr.json",
                plain=False,
                time=timezone.now(),
            )
        ]
    )


def _upsert(rows: list[Chunk]) -> None:
    Chunk.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["data_source", "index"],
        update_fields=["name", "plain", "time"],
    )


def name_chunks(source: int, indices: Iterable[Index]) -> None:
    """Store rows for chunks that had none, because all were written."""
    now, left = timezone.now(), iter(indices)
    while some := list(islice(left, BATCH)):
        Chunk.objects.bulk_create(
            [
                Chunk(
                    data_source_id=source,
                    row=index[0] if index else 0,
                    index=index_text(index),
                    name=plain_name(index),
                    plain=True,
                    time=now,
                )
                for index in some
            ],
            ignore_conflicts=True,
        )


def _row_range(touched: Sequence[Index]) -> range:
    numbers = [index[0] if index else 0 for index in touched]
    return range(min(numbers), max(numbers) + 1)


def _fetch(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@cache
def _sql(_: str, indices: int) -> str:
    """Return one statement for state and rows, so that they are of one moment."""
    quote = connection.ops.quote_name
    source, chunk = quote(DataSource._meta.db_table), quote(Chunk._meta.db_table)
    index, row = f"c.{quote('index')}", f"c.{quote('row')}"
    wanted = f"{row} BETWEEN %s AND %s"
    if indices:
        wanted = f"{index} IN ({', '.join(['%s'] * indices)})"
    return (
        f"SELECT s.generation, s.chunk_grid, s.chunks_written, {index}, c.name "  # noqa: S608
        f"FROM {source} s LEFT JOIN {chunk} c ON c.data_source_id = s.id AND {wanted} "
        "WHERE s.id = %s"
    )
