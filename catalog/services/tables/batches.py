"""Append the rows of several requests to a table together: one lock, one transaction, one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import pyarrow as pa

from core.errors import NotSupported
from tiled_client.wire.structure_family import StructureFamily

from ...events import TableWritten, WriteBatch
from ...locks.fencing import write_lock
from ...lookup.nodes import split_path
from ...lookup.write_targets import WriteTarget, get_write_target
from ..arrays.batches import REJECTIONS, StoredBatch
from ..commits import event_transaction
from ..quotas import quotas
from ..uploads import Upload
from .writing import CountedRows, append_to, conform, receive_rows, table_written


def append_together(
    *,
    path: str,
    partition: int,
    uploads: Sequence[Upload],
    around: Callable[[int, int], AbstractContextManager[None]],
    on_streamed: Callable[[str, int], None],
) -> StoredBatch:
    """Append the rows of all uploads to a partition.

    As `arrays.batches.write_together`: a body that is rejected is skipped, and the others are
    stored. Raises NotFound, NotSupported (external files), Conflict (another node), and what the
    storage raises; then nothing was stored.
    """
    with write_lock("/".join(split_path(path))) as fence:
        target = get_write_target(path, StructureFamily.table)
        uploads[0].check_node(target.ref.uuid)
        if not target.writable:
            raise NotSupported("This node does not support writing a partition.")
        done = StoredBatch(len(uploads))
        accepted = _accepted(target, partition, uploads, done)
        if not accepted:
            return done
        size = sum(len(upload.body) for _, upload, _ in accepted)
        quotas().charge(target.ref.path, target.creator, size=size)
        rows = CountedRows([table for _, _, tables in accepted for table in tables])
        stored = append_to(partition, target, fence, rows)
        writes, offset = [], stored.before
        for _, upload, tables in accepted:
            count = sum(table.num_rows for table in tables)
            writes.append(_written(target, upload, partition, offset, count))
            offset += count
        batch = WriteBatch(target.ref, writes=tuple(writes), on_streamed=on_streamed)
        with around(accepted[0][0], accepted[-1][0]), event_transaction() as change:
            stored.make_current()
            change.record_event(batch)
    stored.settle()
    return done


def _accepted(
    target: WriteTarget, partition: int, uploads: Sequence[Upload], done: StoredBatch
) -> list[tuple[int, Upload, list[pa.Table]]]:
    """Return the uploads that fit the table, each with its number and its rows."""
    accepted = []
    for number, upload in enumerate(uploads):
        try:
            rows, body = receive_rows(upload.body)
            tables = list(conform(target, rows, partition, append=True))
        except REJECTIONS as error:
            done.rejected[number] = error
        else:
            accepted.append((number, replace(upload, body=body), tables))
    return accepted


def _written(
    target: WriteTarget, upload: Upload, partition: int, offset: int, count: int
) -> TableWritten:
    event = table_written(target, upload, partition, append=True)
    return replace(event, rows={"offset": offset, "count": count})
