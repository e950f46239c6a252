"""Write tables: partitions of rows, to which rows can be appended.

The database stores with each asset how many bytes of a partition's file are valid: bytes behind
them, left by a crash, are never read. A write that is not persisted is checked in the same way, and
then only announced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import pyarrow as pa
from django.db.models import QuerySet

from core.bounds import bounds
from core.errors import NotSupported
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from ...config import storage_settings
from ...events import TableWritten, announce, announce_left
from ...locks.fencing import Fence, write_lock
from ...lookup.nodes import no_such_entry, split_path
from ...lookup.write_targets import (
    StoredPartition,
    Target,
    find_partition,
    find_target,
    store_size,
    superseded,
)
from ...models import DataSource, DataSourceAsset
from ...storage import tables
from ...storage.errors import MissingFile
from ..arrays.file_writes import WrittenFile, replace_files
from ..assets.stores import node_folder, stored_file
from ..commits import event_transaction
from ..idempotency import find_receipt, with_receipt
from ..uploads import Upload
from .reading import check_partition

TableRows = Iterable[pa.Table]
# Writes rows to files; returns a function that makes them current in the write's transaction.
Store = Callable[[Target, Fence, TableRows], Callable[[], None]]


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
    _write(path, upload, partial(_append, partition), partition=partition, append=True)


def _write(
    path: str,
    upload: Upload,
    store: Store,
    *,
    partition: int | None = None,
    append: bool = False,
) -> None:
    rows = tables.received_tables(upload.body, bounds().unpacked_body)
    if not tables.is_ipc_file(upload.body):
        # Updates promise subscribers an Arrow IPC file.
        (table,) = rows
        upload = replace(upload, body=tables.serialize_ipc(table))
    if not upload.persist:
        target = find_target(path, StructureFamily.table)
        _conform(target, rows, partition, append)
        announce(_table_written(target, upload, partition, append))
        return
    with write_lock("/".join(split_path(path))) as fence:
        target = find_target(path, StructureFamily.table)
        if not target.writable:
            raise NotSupported("This node does not support writing a partition.")
        if find_receipt(target.ref.uuid, upload.once):
            announce_left(target.ref)
            return
        written = _table_written(target, upload, partition, append)
        make_current = store(target, fence, _conform(target, rows, partition, append))
        with event_transaction() as change, with_receipt(target.ref.uuid, upload.once):
            make_current()
            change.record_event(written)


def _conform(target: Target, rows: TableRows, partition: int | None, append: bool) -> TableRows:
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


def _table_written(
    target: Target, upload: Upload, partition: int | None, append: bool
) -> TableWritten:
    return TableWritten(
        node=target.ref,
        mimetype=upload.mimetype,
        partition=partition,
        append=append,
        payload=upload.body,
        persisted=upload.persist,
        token=upload.token,
    )


def _replace_all(target: Target, fence: Fence, rows: TableRows) -> Callable[[], None]:
    source = _source(target)
    return _replace_with(rows, 0, source, source.asset_links.all())


def _replace(partition: int, target: Target, fence: Fence, rows: TableRows) -> Callable[[], None]:
    source = _source(target)
    return _replace_with(rows, partition, source, source.asset_links.filter(num=partition))


def _source(target: Target) -> DataSource:
    assert target.source_id is not None
    source = DataSource.objects.select_related("node").filter(pk=target.source_id).first()
    if source is None:
        raise no_such_entry(split_path(target.ref.path))  # deleted since the lookup
    return source


def _replace_with(
    rows: TableRows, partition: int, source: DataSource, before: QuerySet[DataSourceAsset]
) -> Callable[[], None]:
    """Write the rows of `partition` to a new file that replaces the files of `before`."""
    written = tables.write_partition(node_folder(source.node.uuid), partition, rows, sync=_sync())
    file = WrittenFile(written.path, partition, written.size)
    return lambda: replace_files(source, before, [file])


def _append(number: int, target: Target, fence: Fence, rows: TableRows) -> Callable[[], None]:
    partition = find_partition(target, number)
    if partition is None:
        return _replace(number, target, fence, rows)
    path = stored_file(target.ref.uuid, partition.data_uri)
    if not fence.exclusive:
        return _append_to_copy(number, target, partition, rows)
    try:
        size = tables.append(path, partition.size, rows, sync=_sync())
    except MissingFile as error:
        if find_partition(target, number) == partition:
            raise
        raise superseded(target) from error  # this writer has lost its lock
    return lambda: _extend(target, partition, size)


def _append_to_copy(
    number: int, target: Target, partition: StoredPartition, rows: TableRows
) -> Callable[[], None]:
    source = _source(target)
    path = stored_file(target.ref.uuid, partition.data_uri)
    copy = tables.append_to_copy(path, partition.size, number, rows, sync=_sync())
    before = source.asset_links.filter(asset_id=partition.asset_id)
    return lambda: replace_files(source, before, [WrittenFile(copy.path, number, copy.size)])


def _extend(target: Target, partition: StoredPartition, size: int) -> None:
    """Mark `size` bytes of the partition's file as valid."""
    if not store_size(partition, size):
        raise superseded(target)


def _sync() -> bool:
    return storage_settings().file_io_sync
