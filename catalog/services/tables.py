"""Writing tables: partitions of rows, to which rows can be appended.

How much of a partition's file counts is kept with its asset, in the database. What a crash has
left behind that is never read. What is not persisted is checked just the same, and then only
announced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import pyarrow as pa
from django.db import transaction
from django.db.models import QuerySet

from access.errors import NotSupported
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.structures import TableStructure

from ..bounds import limits
from ..config import storage_settings
from ..events import TableWritten, announce
from ..locks import node_lock
from ..models import DataSource, DataSourceAsset
from ..nodes import no_such_entry, resolve_for_update, split_path
from ..storage import files, tables
from ..targets import Target, find_partition, find_target, store_size
from .arrays import Upload
from .assets import attach_assets, discard_asset
from .receipts import Once, earlier_receipt, with_receipt
from .rows import check_partition
from .stores import node_folder, stored_file

PARTITION = "data_uris"
Rows = Iterable[pa.Table]
Store = Callable[[Target, Rows, Once | None], None]


def write_table(*, path: str, upload: Upload) -> None:
    """Replace all rows. Raises as `append_rows` does."""
    _write(path, upload, _replace_all)


def write_partition(*, path: str, partition: int, upload: Upload) -> None:
    """Replace the rows of one partition. Raises as `append_rows` does."""
    _write(path, upload, partial(_replace, partition), partition=partition)


def append_rows(*, path: str, partition: int, upload: Upload) -> None:
    """Add rows at the end of a partition.

    The body is an Arrow IPC file. Raises NotFound, BadRequest (no such partition), NotSupported
    (files of others), StorageError (a body that is none, or that does not fit the schema).
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
    rows = tables.arrived(upload.body, limits().unpacked_body)
    if not tables.is_ipc_file(upload.body):
        # Subscribers are told that it is a file.
        (table,) = rows
        upload = replace(upload, body=tables.serialize_ipc(table))
    if not upload.persist:
        target = find_target(path, StructureFamily.table)
        _conformed(target, rows, partition)
        announce(_written(target, upload, partition, append))
        return
    with node_lock("/".join(split_path(path))):
        target = find_target(path, StructureFamily.table)
        if not target.writable:
            raise NotSupported("This node does not support writing a partition.")
        if earlier_receipt(target.ref.uuid, upload.once):
            return
        store(target, _conformed(target, rows, partition), upload.once)
        announce(_written(target, upload, partition, append))


def _conformed(target: Target, rows: Rows, partition: int | None) -> Rows:
    structure = target.structure
    assert isinstance(structure, TableStructure)
    if partition is not None:
        check_partition(structure, partition)
    schema = structure.schema()
    if isinstance(rows, list):
        return [tables.conform(table, schema) for table in rows]
    for table in rows:  # all of them, before any is stored
        tables.conform(table, schema)
    return (tables.conform(table, schema) for table in rows)


def _written(target: Target, upload: Upload, partition: int | None, append: bool) -> TableWritten:
    return TableWritten(
        node=target.ref,
        mimetype=upload.mimetype,
        partition=partition,
        append=append,
        payload=upload.body,
        persisted=upload.persist,
    )


def _replace_all(target: Target, rows: Rows, once: Once | None) -> None:
    source = _source(target)
    _replace_with(rows, 0, source, source.asset_links.all(), once)


def _replace(partition: int, target: Target, rows: Rows, once: Once | None) -> None:
    source = _source(target)
    _replace_with(rows, partition, source, source.asset_links.filter(num=partition), once)


def _source(target: Target) -> DataSource:
    assert target.source_id is not None
    source = DataSource.objects.select_related("node").filter(pk=target.source_id).first()
    if source is None:
        raise no_such_entry(split_path(target.ref.path))  # deleted since we looked it up
    return source


def _replace_with(
    rows: Rows,
    partition: int,
    source: DataSource,
    before: QuerySet[DataSourceAsset],
    once: Once | None,
) -> None:
    """Write the rows of `partition` to a new file, which takes the place of those of `before`."""
    written = tables.write_partition(node_folder(source.node.uuid), partition, rows, sync=_sync())
    uri = files.file_uri(written.path)
    asset = WireAsset(
        uri, is_directory=False, parameter=PARTITION, num=partition, size=written.size
    )
    try:
        with transaction.atomic(), with_receipt(source.node.uuid, once):
            resolve_for_update(source.node.segments)
            for link in before:
                discard_asset(link)
            attach_assets(source, [asset])
    except BaseException:
        written.path.unlink(missing_ok=True)
        raise


def _append(number: int, target: Target, rows: Rows, once: Once | None) -> None:
    partition = find_partition(target, number)
    if partition is None:
        _replace(number, target, rows, once)
        return
    path = stored_file(target.ref.uuid, partition.data_uri)
    size = tables.append(path, partition.size, rows, sync=_sync())
    with with_receipt(target.ref.uuid, once):
        if not store_size(partition, size):
            raise no_such_entry(split_path(target.ref.path))


def _sync() -> bool:
    return storage_settings().file_io_sync
