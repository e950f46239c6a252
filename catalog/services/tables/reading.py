"""Read tables: all rows, the rows of one partition, or a range of either."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import pyarrow as pa

from core.errors import BadRequest
from tiled_client.wire.structures import TableStructure

from ...config import storage_settings
from ...lookup.embedded import EmbeddedNode, iter_embedded_rows
from ...models import DataSource, DataSourceAsset, Node
from ...storage import external, tables
from ...storage.encoding import Array
from ...storage.errors import MissingFile
from ..response_limits import check_response_bytes
from ..stores.files import StoredFile, file_store

ALL = slice(None)


@dataclass(frozen=True, slots=True)
class RowSelection:
    """Some rows and columns of a table, read on demand.

    `read()` returns all rows, and raises BadRequest if they exceed the response limit;
    `pieces()` iterates over any number of rows, in order. Rows of more than `reread_bytes` bytes
    are better read again while they are sent than kept in memory; None if they never are.
    """

    schema: pa.Schema
    read: Callable[[], pa.Table]
    pieces: Callable[[], Iterator[pa.Table]]
    reread_bytes: int | None = None

    @classmethod
    def from_table(cls, table: pa.Table) -> RowSelection:
        """Wrap a table that was read already."""
        return cls(table.schema, lambda: table, lambda: iter([table]))


def select_rows(
    node: Node | EmbeddedNode,
    columns: Sequence[str] | None = None,
    rows: slice = ALL,
    *,
    partition: int | None = None,
) -> RowSelection:
    """Select rows of the table, or of one partition of it. Raises as `read_partition` does."""
    structure = table_structure(node)
    if partition is None:
        partitions = range(structure.npartitions)
    else:
        check_partition(structure, partition)
        partitions = range(partition, partition + 1)
    _check_columns(structure, columns)
    return RowSelection(
        tables.empty(structure.schema(), columns).schema,
        lambda: _read(node, partitions, columns, rows),
        lambda: _iter(node, partitions, columns, rows),
        reread_bytes=_reread_bytes(node),
    )


def _reread_bytes(node: Node | EmbeddedNode) -> int | None:
    if isinstance(node, EmbeddedNode) or node.source is None or node.source.external:
        return None
    return file_store().reread_bytes


def read_partition(
    node: Node | EmbeddedNode,
    partition: int,
    columns: Sequence[str] | None = None,
    rows: slice = ALL,
) -> pa.Table:
    """Return the rows of one partition, or the range `rows` within the partition.

    Raises BadRequest for an unknown partition or column, and as `read_table` does.
    """
    structure = table_structure(node)
    check_partition(structure, partition)
    return _read(node, range(partition, partition + 1), columns, rows)


def read_table(
    node: Node | EmbeddedNode, columns: Sequence[str] | None = None, rows: slice = ALL
) -> pa.Table:
    """Return all rows, or the range `rows`, counted over all partitions.

    Raises BadRequest for an unknown column, and for more rows than one response may hold;
    StorageError for rows that do not exist, and for external files that cannot be read.
    """
    return _read(node, range(table_structure(node).npartitions), columns, rows)


def read_column(node: Node | EmbeddedNode, name: str) -> Array:
    """Return one column of all rows as a one-dimensional array; strings have a fixed width."""
    return tables.column_array(read_table(node, [name])[name])


def iter_tables(node: Node) -> Iterator[pa.Table]:
    """Iterate over all rows and columns, piece by piece, in the order of the partitions."""
    structure = table_structure(node)
    assert node.source is not None
    links = _links(node.source, range(structure.npartitions))
    return _pieces(node.source, links, structure, structure.schema().names, ALL)


def table_structure(node: Node | EmbeddedNode) -> TableStructure:
    """Return the structure of a node that is a table."""
    structure = node.structure
    assert isinstance(structure, TableStructure)
    return structure


def check_partition(structure: TableStructure, partition: int) -> None:
    """Raise BadRequest for a partition that the table does not have."""
    if not 0 <= partition < structure.npartitions:
        raise BadRequest("Partition out of range")


def _read(
    node: Node | EmbeddedNode, partitions: range, columns: Sequence[str] | None, rows: slice
) -> pa.Table:
    structure = table_structure(node)
    _check_columns(structure, columns)
    if isinstance(node, EmbeddedNode):
        names = structure.schema().names if columns is None else columns
        return tables.joined(list(_limit_bytes(iter_embedded_rows(node, names, rows))))
    assert node.source is not None
    try:
        return _collect(node.source, partitions, structure, columns, rows)
    except MissingFile:
        if node.source.external:
            raise
        # The file was replaced between the database query and the read.
        return _collect(node.source, partitions, structure, columns, rows)


def _iter(
    node: Node | EmbeddedNode, partitions: range, columns: Sequence[str] | None, rows: slice
) -> Iterator[pa.Table]:
    structure = table_structure(node)
    schema = structure.schema()
    if isinstance(node, EmbeddedNode):
        return iter_embedded_rows(node, schema.names if columns is None else columns, rows)
    names = schema.names if columns is None else tables.with_index(schema, columns)
    source = node.source
    assert source is not None

    def begun() -> Iterator[pa.Table]:
        pieces = _pieces(source, _links(source, partitions), structure, names, rows)
        return chain([*islice(pieces, 1)], pieces)

    try:
        return begun()
    except MissingFile:
        if source.external:
            raise
        return begun()  # The file was replaced between the database query and the read.


def _collect(
    source: DataSource,
    partitions: range,
    structure: TableStructure,
    columns: Sequence[str] | None,
    rows: slice,
) -> pa.Table:
    links = _links(source, partitions)
    schema = structure.schema()
    if not source.external and rows == ALL:
        whole = [partition.read(columns, _check_size) for partition in _stored(source, links)]
        return _check_table_size(
            tables.join_tables(whole) if whole else tables.empty(schema, columns)
        )
    names = schema.names if columns is None else tables.with_index(schema, columns)
    pieces = list(_limit_bytes(_pieces(source, links, structure, names, rows)))
    return tables.joined(pieces) if pieces else tables.empty(schema, columns)


def _links(source: DataSource, partitions: range) -> list[DataSourceAsset]:
    links = source.asset_links.all()
    if source.external:
        # A single external file may have no number.
        return sorted(links, key=lambda link: link.num or 0)[partitions.start : partitions.stop]
    return list(links.filter(num__gte=partitions.start, num__lt=partitions.stop).order_by("num"))


def _pieces(
    source: DataSource,
    links: Sequence[DataSourceAsset],
    structure: TableStructure,
    names: Sequence[str],
    rows: slice,
) -> Iterator[pa.Table]:
    if not source.external:
        return tables.iter_rows(_stored(source, links), names, rows)
    return external.iter_table_rows(
        source.mimetype,
        [link.to_wire() for link in links],
        source.parameters,
        structure.schema(),
        names,
        rows,
        readable=storage_settings().readable,
    )


def _stored(source: DataSource, links: Sequence[DataSourceAsset]) -> list[tables.PartitionReader]:
    return file_store().partitions([StoredFile.of(source.node.uuid, k.asset) for k in links])


def _check_columns(structure: TableStructure, columns: Sequence[str] | None) -> None:
    known = set(structure.schema().names) if columns else set()
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise BadRequest(
            f"No such field {unknown[0]!r}. The columns are {', '.join(structure.columns)}."
        )


def _limit_bytes(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the pieces; raise BadRequest once they exceed the response limit together."""
    size = 0
    for piece in pieces:
        size += piece.nbytes
        _check_size(size)
        yield piece


def _check_table_size(table: pa.Table) -> pa.Table:
    _check_size(table.nbytes)
    return table


def _check_size(size: int) -> None:
    check_response_bytes(size, "Select fewer columns, one partition, or a range of rows.")
