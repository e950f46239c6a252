"""Copy data into our own storage, and make them those of an imported node.

A data source is copied once: until then it is external, or has no assets. Data are stored first,
and become current in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, product

import pyarrow as pa
from django.db import DatabaseError, transaction

from catalog.locks.node_locks import node_lock
from catalog.lookup.nodes import resolve_for_update
from catalog.models import Asset as StoredAsset
from catalog.models import DataSource, Node
from catalog.services.arrays.file_writes import WrittenFile, as_asset, record_files
from catalog.services.assets.links import attach_own_assets
from catalog.services.nodes.data_placement import (
    ARROW_STREAM,
    OWN_FORMATS,
    TABLE_MIMETYPE_ALIASES,
    ZARR,
)
from catalog.services.stores.files import file_store
from catalog.services.stores.site import storage
from catalog.storage import awkward, ragged, sparse, tables
from catalog.storage.encoding import Array
from catalog.storage.errors import StorageError
from catalog.storage.regions import Region, shape_of
from core.errors import ServiceError
from tiled_client.wire import buffers
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.errors import WireError
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import Coo, SparseStructure, dim_names
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure, structure_from_json

from .conversion import PlannedNode
from .errors import NotImportable
from .report import ImportReport
from .source.records import NodeValues, TiledSource

TABLE_MIMETYPES = (ARROW_STREAM, *TABLE_MIMETYPE_ALIASES)
NOT_COPIED = "Data were not copied; run the import again when this is solved"


@dataclass(frozen=True, slots=True)
class DataCopier:
    """Copies the data of imported nodes from `source`."""

    source: TiledSource
    report: ImportReport

    def copy(self, planned: PlannedNode) -> bool:
        """Copy the data of a node, unless they were copied. Return whether they are here.

        A failure goes to the report.
        """
        data = planned.copied
        assert data is not None
        node = Node.objects.select_related("data_source").filter(uuid=planned.uuid).first()
        if node is None or node.source is None or _is_copied(node.source):
            return node is not None
        try:
            self._copy(node, self.source.values(planned.source, data))
        except (NotImportable, StorageError, WireError) as error:
            self.report.find(NOT_COPIED, f"{planned.source.path}: {error}")
        except (ServiceError, DatabaseError, OSError, pa.ArrowException, MemoryError) as error:
            text = getattr(error, "detail", None) or f"{type(error).__name__}: {error}"
            self.report.find(NOT_COPIED, f"{planned.source.path}: {text}")
        else:
            self.report.count(f"copied data of family {node.structure_family}")
            return True
        return False

    def _copy(self, node: Node, values: NodeValues) -> None:
        source = node.source
        assert source is not None
        structure = structure_from_json(node.family, source.structure)
        # The cleanup of a running server leaves the files of a locked node alone.
        with node_lock(node.path):
            storage().discard_nodes([node.uuid])  # of an interrupted run
            match structure:
                case ArrayStructure():
                    current = storage().arrays.fill(node.uuid, structure, _checked(values))
                    folder = Asset(storage().node_uri(node.uuid), True, "data_uri")
                    _make_current(source, ZARR, [folder], finish=current)
                    return
                case TableStructure():
                    written = list(_written_partitions(node, structure, values))
                case SparseStructure():
                    written = list(_written_blocks(node, structure, values))
                case AwkwardStructure():
                    written = list(_written_buffers(node, structure, values))
                case RaggedStructure():
                    written = list(_written_rows(node, structure, values))
                case _:
                    raise NotImportable(f"data of family {node.structure_family} cannot be copied")
            known = source.mimetype if node.family is StructureFamily.table else ""
            mimetype = known if known in TABLE_MIMETYPES else OWN_FORMATS[node.family][0]
            _make_current(source, mimetype, list(map(as_asset, written)), written)


def _is_copied(source: DataSource) -> bool:
    return not source.external and source.asset_links.exists()


def _make_current(
    source: DataSource,
    mimetype: str,
    assets: list[Asset],
    written: Sequence[WrittenFile] = (),
    *,
    finish: Callable[[DataSource], None] = lambda _: None,
) -> None:
    """Make copied data those of the data source, in place of external ones, if any."""
    with transaction.atomic():
        node = resolve_for_update(source.node.segments)
        if node.source is None or node.source.generation != source.generation:
            raise NotImportable("the node was written to meanwhile")
        before = list(source.asset_links.values_list("asset", flat=True))
        source.asset_links.all().delete()
        StoredAsset.objects.filter(pk__in=before, links=None).delete()
        source.mimetype, source.management = mimetype, Management.writable
        source.generation += 1
        finish(source)
        source.save()
        attach_own_assets(source, assets)
        record_files(written)


def _checked(values: NodeValues) -> Callable[[Region], Array]:
    """Return a function that reads a region, whose shape must be as declared."""

    def read(region: Region) -> Array:
        found = values.array(region)
        if tuple(found.shape) != shape_of(region):
            raise NotImportable(
                f"it has the shape {found.shape} where {shape_of(region)} is declared"
            )
        return found

    return read


def _written_partitions(
    node: Node, structure: TableStructure, values: NodeValues
) -> Iterator[WrittenFile]:
    schema = structure.schema()
    tables.check_distinct(schema.names)
    file_store().prepare(node.uuid)
    for number in range(structure.npartitions):
        counted = _Counted(tables.conform(t, schema) for t in values.tables(number))
        first = next(counted, None)
        if first is None:
            continue
        rows = _chained(first, counted)
        file = file_store().write_partition(node.uuid, number, rows)
        yield WrittenFile(file, number, counted.rows)


class _Counted(Iterator[pa.Table]):
    """Tables, and the number of rows that were taken."""

    def __init__(self, pieces: Iterator[pa.Table]) -> None:
        self._pieces, self.rows = pieces, 0

    def __next__(self) -> pa.Table:
        found = next(self._pieces)
        self.rows += found.num_rows
        return found


def _chained(first: pa.Table, others: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from others


def _written_blocks(
    node: Node, structure: SparseStructure, values: NodeValues
) -> Iterator[WrittenFile]:
    for number, block in enumerate(product(*(range(len(sizes)) for sizes in structure.chunks))):
        found = values.sparse_block(number, block)
        if found is None or not found.num_rows:
            continue
        shape = shape_of(structure.block_region(block))
        elements = _elements(found, structure, shape)
        file = file_store().write(node.uuid, *sparse.block_file(block, elements))
        yield WrittenFile(file, number)


def _elements(table: pa.Table, structure: SparseStructure, shape: tuple[int, ...]) -> Coo:
    """Return the elements in a block of Tiled: coordinates in the first columns, then values."""
    names = [*dim_names(len(shape)), "data"]
    if table.num_columns != len(names):
        raise NotImportable(f"a block has {table.num_columns} columns, not {len(names)}")
    kinds = [*[pa.int64()] * len(shape), pa.from_numpy_dtype(structure.dtype.newbyteorder("="))]
    columns = [column.cast(kind) for column, kind in zip(table.columns, kinds, strict=True)]
    return Coo.from_arrow(pa.Table.from_arrays(columns, names=names), shape)


def _written_buffers(
    node: Node, structure: AwkwardStructure, values: NodeValues
) -> Iterator[WrittenFile]:
    members = values.buffers()
    if not members:
        return
    buffers.awkward_array(buffers.awkward_form(structure.form), structure.length, members)
    body = buffers.zip_members(members)
    yield WrittenFile(file_store().write(node.uuid, awkward.file_name(), body), 0)


def _written_rows(
    node: Node, structure: RaggedStructure, values: NodeValues
) -> Iterator[WrittenFile]:
    """Write a file per chunk: each begins with the first row of the chunk that is its number."""
    starts = list(accumulate(structure.row_chunks, initial=0))
    for expected, (number, array) in enumerate(values.ragged_chunks()):
        if number != expected:
            raise NotImportable(f"chunk {expected} of its rows is missing")
        rows = ragged.to_arrow(array, structure)
        if len(rows) != starts[number + 1] - starts[number]:
            raise NotImportable(f"chunk {number} has {len(rows)} rows, not as declared")
        table = ragged.as_table(rows, structure)
        yield WrittenFile(file_store().write_partition(node.uuid, number, table), number)
