"""Writing and reading tables: partitions of rows, to which rows can be appended.

How much of a partition's file counts is kept with its asset, in the database. What a crash has
left behind that is never read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pyarrow as pa
from django.db import transaction
from django.db.models import QuerySet

from access.errors import BadRequest, NotFound, NotSupported
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.families import StructureFamily
from tiled_client.wire.structures import TableStructure

from ..config import storage_settings
from ..events import TableWritten, announce
from ..locks import node_lock
from ..models import Asset, DataSource, DataSourceAsset, Node
from ..nodes import resolve_family, resolve_for_update, split_path
from ..storage import files, tables
from ..storage.errors import MissingFile
from .arrays import Array
from .assets import attach_assets, discard_asset
from .stores import node_folder, stored_file

PARTITION = "data_uris"
Store = Callable[[DataSource, pa.Table], None]


def write_table(*, path: str, body: bytes, mimetype: str) -> None:
    """Replace all rows. Raises as `append_rows` does."""
    _write(path, body, mimetype, _replace_all)


def write_partition(*, path: str, partition: int, body: bytes, mimetype: str) -> None:
    """Replace the rows of one partition. Raises as `append_rows` does."""
    _write(path, body, mimetype, partial(_replace, partition), partition=partition)


def append_rows(*, path: str, partition: int, body: bytes, mimetype: str) -> None:
    """Add rows at the end of a partition.

    `body` is an Arrow IPC file. Raises NotFound, BadRequest (no such partition), NotSupported
    (files of others), StorageError (a body that is none, or that does not fit the schema).
    """
    _write(
        path,
        body,
        mimetype,
        partial(_append, partition),
        partition=partition,
        append=True,
    )


def read_partition(node: Node, partition: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one partition. Raises BadRequest for an unknown partition or column."""
    structure = table_structure(node)
    _check_partition(structure, partition)
    _check_columns(structure, columns)
    return _limited(_read(node, structure, range(partition, partition + 1), columns))


def read_table(node: Node, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows. Raises BadRequest for a column that is not there, and for too many rows."""
    structure = table_structure(node)
    _check_columns(structure, columns)
    return _limited(_read(node, structure, range(structure.npartitions), columns))


def read_column(node: Node, name: str) -> Array:
    """One column of all rows, as an array of one dimension; texts in a fixed width."""
    return tables.column_array(read_table(node, [name])[name])


def table_structure(node: Node) -> TableStructure:
    """The structure of a node that is a table."""
    structure = node.structure
    assert isinstance(structure, TableStructure)
    return structure


def _write(
    path: str,
    body: bytes,
    mimetype: str,
    store: Store,
    *,
    partition: int | None = None,
    append: bool = False,
) -> None:
    table = tables.parse_ipc(body)
    with node_lock("/".join(split_path(path))):
        node = resolve_family(path, StructureFamily.table)
        if node.source is None or node.source.external:
            raise NotSupported("This node does not support writing a partition.")
        structure = table_structure(node)
        if partition is not None:
            _check_partition(structure, partition)
        store(node.source, tables.conform(table, structure.schema()))
        announce(
            TableWritten(
                node=node.ref, mimetype=mimetype, partition=partition, append=append, payload=body
            )
        )


def _replace_all(source: DataSource, table: pa.Table) -> None:
    _replace_with(table, 0, source, source.asset_links.all())


def _replace(partition: int, source: DataSource, table: pa.Table) -> None:
    _replace_with(table, partition, source, source.asset_links.filter(num=partition))


def _replace_with(
    table: pa.Table, partition: int, source: DataSource, before: QuerySet[DataSourceAsset]
) -> None:
    """Write the rows of `partition` to a new file, which takes the place of those of `before`."""
    written = tables.write_partition(node_folder(source.node.uuid), partition, table, sync=_sync())
    uri = files.file_uri(written.path)
    asset = WireAsset(
        uri, is_directory=False, parameter=PARTITION, num=partition, size=written.size
    )
    try:
        with transaction.atomic():
            resolve_for_update(source.node.segments)
            for link in before:
                discard_asset(link)
            attach_assets(source, [asset])
    except BaseException:
        written.path.unlink(missing_ok=True)
        raise


def _append(partition: int, source: DataSource, table: pa.Table) -> None:
    asset = _partition_asset(source, partition)
    if asset is None:
        _replace(partition, source, table)
        return
    path = stored_file(source.node.uuid, asset.data_uri)
    size = tables.append(path, asset.size or 0, table, sync=_sync())
    if not Asset.objects.filter(pk=asset.pk).update(size=size):
        raise NotFound(f"No such entry: {source.node.segments}")


def _read(
    node: Node, structure: TableStructure, partitions: range, columns: Sequence[str] | None
) -> pa.Table:
    if node.source is None or node.source.external:
        raise NotSupported("Tables in files of others cannot be read.")
    try:
        return _read_stored(node.source, structure, partitions, columns)
    except MissingFile:  # replaced between our look at the database and at the file
        return _read_stored(node.source, structure, partitions, columns)


def _read_stored(
    source: DataSource, structure: TableStructure, partitions: range, columns: Sequence[str] | None
) -> pa.Table:
    links = source.asset_links.filter(num__gte=partitions.start, num__lt=partitions.stop)
    parts = [
        tables.read(stored_file(source.node.uuid, asset.data_uri), asset.size or 0, columns)
        for asset in (link.asset for link in links.order_by("num"))
    ]
    return pa.concat_tables(parts) if parts else tables.empty(structure.schema(), columns)


def _partition_asset(source: DataSource, partition: int) -> Asset | None:
    return Asset.objects.filter(links__data_source=source, links__num=partition).first()


def _sync() -> bool:
    return storage_settings().file_io_sync


def _check_partition(structure: TableStructure, partition: int) -> None:
    if not 0 <= partition < structure.npartitions:
        raise BadRequest("Partition out of range")


def _check_columns(structure: TableStructure, columns: Sequence[str] | None) -> None:
    known = structure.schema().names if columns else ()
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise BadRequest(
            f"No such field {unknown[0]!r}. The columns are {', '.join(structure.columns)}."
        )


def _limited(table: pa.Table) -> pa.Table:
    limit = storage_settings().response_bytesize_limit
    if table.nbytes > limit:
        raise BadRequest(f"Response would exceed {limit}. Select fewer columns, or one partition.")
    return table
