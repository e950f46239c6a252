"""Write tables: partitions of rows, to which rows can be appended.

The database stores with each asset how many bytes of a partition are valid: bytes behind them, left
by a crash, are never read. A write that is not persisted is checked in the same way, and
then only announced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pyarrow as pa
from django.db.models import QuerySet

from core.bounds import bounds
from core.errors import NotSupported
from core.mapped_files import BytesLike
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from ...events import TableWritten, announce, announce_left
from ...locks.fencing import Fence, write_lock
from ...lookup.nodes import no_such_entry, split_path
from ...lookup.write_targets import (
    StoredPartition,
    WriteTarget,
    find_partition,
    get_write_target,
    store_generation,
    store_size,
    superseded,
)
from ...models import DataSource, DataSourceAsset
from ...storage import tables
from ...storage.errors import MissingFile
from ..arrays.file_writes import WrittenFile, replace_files
from ..commits import event_transaction
from ..idempotency import find_receipt, record_receipt
from ..quotas import quotas
from ..stores.files import Addition, StoredFile, file_store
from ..uploads import Upload
from .reading import check_partition

TableRows = Iterable[pa.Table]


class CountedRows:
    """Rows that are counted as they are written."""

    def __init__(self, rows: TableRows) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[pa.Table]:
        for table in self._rows:
            self.count += table.num_rows
            yield table


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows that were written to files behind `before` others of the whole table.

    `make_current` makes them current within the transaction of the write; `settle` tidies up when
    the write is done.
    """

    before: int
    make_current: Callable[[], None]
    settle: Callable[[], None] = lambda: None


Store = Callable[[WriteTarget, Fence, CountedRows], StoredRows]


def write_table(*, path: str, upload: Upload) -> None:
    """Replace all rows. Raises as `append_rows` does."""
    _write(path, upload, _replace_all)


def write_partition(*, path: str, partition: int, upload: Upload) -> None:
    """Replace the rows of one partition. Raises as `append_rows` does."""
    _write(path, upload, partial(_replace, partition), partition=partition)


def append_rows(*, path: str, partition: int, upload: Upload) -> None:
    """Append rows to a partition.

    The body is an Arrow IPC file. Raises NotFound, BadRequest (no such partition), NotSupported
    (external files), StorageError (a body that is not Arrow, or does not fit the schema).
    """
    _write(path, upload, partial(append_to, partition), partition=partition, append=True)


def check_rows(
    target: WriteTarget, body: BytesLike, *, partition: int | None, append: bool
) -> BytesLike:
    """Check rows as a write does, and return them as an Arrow IPC file. Raises as that does."""
    rows, body = receive_rows(body)
    conform(target, rows, partition, append)
    return body


def receive_rows(body: BytesLike) -> tuple[TableRows, BytesLike]:
    """Return the rows in a body, and as an Arrow IPC file, which updates promise subscribers.

    Raises StorageError.
    """
    rows = tables.received_tables(body, bounds().unpacked_body)
    if tables.is_ipc_file(body):
        return rows, body
    (table,) = rows
    return rows, tables.serialize_ipc(table)


def _write(
    path: str,
    upload: Upload,
    store: Store,
    *,
    partition: int | None = None,
    append: bool = False,
) -> None:
    rows, body = receive_rows(upload.body)
    upload = replace(upload, body=body)
    if not upload.persist:
        target = get_write_target(path, StructureFamily.table)
        upload.check_node(target.ref.uuid)
        conform(target, rows, partition, append)
        announce(table_written(target, upload, partition, append))
        return
    with write_lock("/".join(split_path(path))) as fence:
        target = get_write_target(path, StructureFamily.table)
        upload.check_node(target.ref.uuid)
        if not target.writable:
            raise NotSupported("This node does not support writing a partition.")
        if find_receipt(target.ref.uuid, upload.idempotency_key):
            announce_left(target.ref)
            return
        quotas().charge(target.ref.path, target.creator, size=len(upload.body))
        counted = CountedRows(conform(target, rows, partition, append))
        stored = store(target, fence, counted)
        written = replace(
            table_written(target, upload, partition, append),
            rows={"offset": stored.before, "count": counted.count},
        )
        with event_transaction() as change, record_receipt(target.ref.uuid, upload.idempotency_key):
            stored.make_current()
            change.record_event(written)
        # Under the lock, so that a cleanup leaves alone what it puts.
        stored.settle()


def conform(target: WriteTarget, rows: TableRows, partition: int | None, append: bool) -> TableRows:
    """Return rows in the schema of a table. Raises StorageError, BadRequest (no such partition)."""
    structure = target.structure
    assert isinstance(structure, TableStructure)
    if partition is not None:
        check_partition(structure, partition)
    schema = structure.schema()
    if not append:  # appended rows continue the labels of the rows before
        schema = tables.with_labels_of(schema, rows)
    if isinstance(rows, list):
        return [tables.conform(table, schema) for table in rows]
    for table in rows:  # check all of them before any is stored
        tables.conform(table, schema)
    return (tables.conform(table, schema) for table in rows)


def table_written(
    target: WriteTarget, upload: Upload, partition: int | None, append: bool
) -> TableWritten:
    """Return the event of a write, without the numbers of its rows."""
    return TableWritten(
        node=target.ref,
        mimetype=upload.mimetype,
        partition=partition,
        append=append,
        payload=upload.body,
        persisted=upload.persist,
        token=upload.token,
    )


def _replace_all(target: WriteTarget, fence: Fence, rows: CountedRows) -> StoredRows:
    source = _source(target)
    return StoredRows(0, _replace_with(rows, 0, source, source.asset_links.all()))


def _replace(partition: int, target: WriteTarget, fence: Fence, rows: CountedRows) -> StoredRows:
    source = _source(target)
    before = source.asset_links.filter(num=partition)
    return StoredRows(
        _rows_before(target, partition), _replace_with(rows, partition, source, before)
    )


def _source(target: WriteTarget) -> DataSource:
    assert target.source_id is not None
    source = DataSource.objects.select_related("node").filter(pk=target.source_id).first()
    if source is None:
        raise no_such_entry(split_path(target.ref.path))  # deleted since the lookup
    return source


def _replace_with(
    rows: CountedRows, partition: int, source: DataSource, before: QuerySet[DataSourceAsset]
) -> Callable[[], None]:
    """Write the rows of `partition` to a new file that replaces the files of `before`."""
    written = file_store().write_partition(source.node.uuid, partition, rows)
    file = WrittenFile(written, partition, rows.count)
    return lambda: replace_files(source, before, [file])


def append_to(number: int, target: WriteTarget, fence: Fence, rows: CountedRows) -> StoredRows:
    """Write rows behind those of partition `number`, under the lock of the node."""
    partition = find_partition(target, number)
    if partition is None:
        return _replace(number, target, fence, rows)
    file = StoredFile(target.ref.uuid, partition.asset_id, partition.data_uri, partition.size)
    inside = _count_rows(file, partition.rows)
    before = _rows_before(target, number) + inside
    try:
        added = file_store().append(file, number, rows, exclusive=fence.exclusive)
    except MissingFile as error:
        if find_partition(target, number) == partition:
            raise
        raise superseded(target) from error  # this writer has lost its lock
    count = inside + rows.count
    if added.copy is not None:
        source = _source(target)
        links = source.asset_links.filter(asset_id=partition.asset_id)
        copy = WrittenFile(added.copy, number, count)
        return StoredRows(before, lambda: replace_files(source, links, [copy]))
    return StoredRows(
        before,
        lambda: _extend(target, partition, file, added, count),
        lambda: file_store().settle(file, added),
    )


def _extend(
    target: WriteTarget, partition: StoredPartition, file: StoredFile, added: Addition, rows: int
) -> None:
    """Make the added rows valid: the partition then has `rows`."""
    if not store_size(partition, added.size, rows):
        raise superseded(target)
    if added.removable and not store_generation(target):
        raise superseded(target)
    file_store().extend(file, added)


def _rows_before(target: WriteTarget, partition: int) -> int:
    """Return the number of rows of the partitions before one."""
    if not partition:
        return 0
    links = DataSourceAsset.objects.filter(data_source_id=target.source_id, num__lt=partition)
    return sum(
        _count_rows(StoredFile.of(target.ref.uuid, link.asset), link.asset.known_rows)
        for link in links
    )


def _count_rows(file: StoredFile, known: int | None) -> int:
    """Return the number of rows in a file; it is not known of files of earlier versions."""
    return file_store().partitions([file])[0].count() if known is None else known
