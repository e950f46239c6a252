"""Find the node that a write addresses, with one raw SQL query.

A write needs few columns of a node, thousands of times per second; creating the model objects of a
node and its data source costs several times as much as the query. The database is queried for each
write. Only parsed structures are cached between requests, and a cached one is used only while its
text in the database is the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from core.errors import ServiceError
from tiled_client.wire.structure_family import Management, StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure

from ..database_vendor import vendor
from ..fields import structure_from_text
from ..locks.fencing import Superseded
from ..models import Asset, DataSource, DataSourceAsset, Node
from ..node_refs import NodeRef
from .embedded import reject_embedded
from .nodes import check_family, is_taken, no_such_entry, split_path

NODE_COLUMNS = (
    "uuid",
    "structure_family",
    "data_source__id",
    "data_source__management",
    "data_source__structure",
    "data_source__generation",
    "data_source__folder",
    "data_source__chunk_grid",
    "creator",
)
ASSET_COLUMNS = ("asset_id", "asset__data_uri", "asset__size", "asset__rows", "asset__rows_size")
MAX_CACHED_STRUCTURES = 512
# A structure with more chunks is not cached: it has an entry for each of them.
MAX_CACHED_CHUNKS = 20_000


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """A node that a write addresses; `source_id` is None if it has no data source."""

    ref: NodeRef
    source_id: int | None
    external: bool
    structure: Structure | None
    generation: int = 0
    folder: str = ""
    chunk_grid: str = ""
    creator: UUID | None = None

    @property
    def writable(self) -> bool:
        """Return whether the data are in the server's own storage."""
        return self.source_id is not None and not self.external


def get_write_target(path: str, *families: StructureFamily) -> WriteTarget:
    """Return the node at `path` if it is of one of `families`.

    Raises NotFound, NotSupported (inside a file).
    """
    segments = split_path(path)
    joined = "/".join(segments)
    # No key has a NUL, and PostgreSQL rejects a parameter with one.
    row = None if "\0" in joined else _row(_select_node(vendor()), [joined])
    if row is None:
        reject_embedded(segments)
        raise no_such_entry(segments)
    uuid, family_name, source_id, management, text, generation, folder, grid, creator = row
    node, family = _uuid(uuid), StructureFamily(family_name)
    check_family(joined, family, families)
    structure = None if text is None else _structures.get(node, family, text)
    ref = NodeRef(node, joined, family)
    external = management == Management.external
    return WriteTarget(
        ref,
        source_id,
        external,
        structure,
        generation or 0,
        folder or "",
        grid or "",
        None if creator is None else _uuid(creator),
    )


def _uuid(value: UUID | str) -> UUID:
    """Return a UUID, which SQLite stores as text."""
    return UUID(value) if isinstance(value, str) else value


def store_structure(target: WriteTarget, structure: Structure) -> bool:
    """Store a new structure for `target`; return False if it was deleted or changed since."""
    field: Any = DataSource._meta.get_field("structure")
    value = field.get_db_prep_value(structure.to_json(), connection)
    update = _update(vendor(), DataSource, "structure", "nbytes", "generation")
    size = structure.nbytes if isinstance(structure, ArrayStructure) else None
    known = [target.generation + 1, target.source_id, target.generation]
    found = _changed(update, [value, size, *known])
    if found and isinstance(value, str):
        _structures.put(target.ref.uuid, value, structure)
    return found


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """The file of a partition, by its asset; the first `size` bytes are valid.

    They have `rows` rows; None if these were not counted.
    """

    asset_id: int
    data_uri: str
    size: int
    rows: int | None


def find_partition(target: WriteTarget, number: int) -> StoredPartition | None:
    """Return the file with the rows of a partition; None before the first write to it."""
    row = _row(_select_partition(vendor()), [target.source_id, number])
    if row is None:
        return None
    asset_id, data_uri, size, rows, rows_size = row
    return StoredPartition(asset_id, data_uri, size or 0, rows if rows_size == size else None)


def store_size(partition: StoredPartition, size: int, rows: int) -> bool:
    """Set the valid size and rows of the file; return False if it was deleted or resized since."""
    values = [rows, size, size, partition.asset_id, partition.size]
    return _changed(_update(vendor(), Asset, "rows", "rows_size", "size"), values)


def store_generation(target: WriteTarget) -> bool:
    """Count a change of the data; return False if `target` was deleted or changed since."""
    known = [target.generation + 1, target.source_id, target.generation]
    return _changed(_update(vendor(), DataSource, "generation"), known)


def superseded(target: WriteTarget) -> ServiceError:
    """Return the error for a failed store: `target` was deleted, or another write was first."""
    if is_taken(target.ref.path):
        return Superseded()
    return no_such_entry(split_path(target.ref.path))


class Structures:
    """Cache of parsed structures of recently written nodes, each with its text in the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: OrderedDict[UUID, tuple[str, Structure]] = OrderedDict()

    def get(self, node: UUID, family: StructureFamily, text: str) -> Structure | None:
        """Return the structure parsed from `text`, the current text of `node` in the database."""
        cached = self._cached.get(node)
        if cached is not None and cached[0] == text:
            return cached[1]
        structure = structure_from_text(family, text)
        if structure is not None:
            self.put(node, text, structure)
        return structure

    def put(self, node: UUID, text: str, structure: Structure) -> None:
        """Cache the structure, unless it has too many chunks."""
        chunks = getattr(structure, "chunks", ())
        if sum(len(sizes) for sizes in chunks if sizes is not None) > MAX_CACHED_CHUNKS:
            return
        with self._lock:
            self._cached[node] = (text, structure)
            self._cached.move_to_end(node)
            if len(self._cached) > MAX_CACHED_STRUCTURES:
                self._cached.popitem(last=False)


_structures = Structures()


def _row(sql: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


def _changed(sql: str, parameters: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return bool(cursor.rowcount)


# SQL of the ORM for the current database vendor, compiled once.


@cache
def _select_node(_: str) -> str:
    return _sql(Node.objects.filter(path="").values_list(*NODE_COLUMNS))


@cache
def _select_partition(_: str) -> str:
    links = DataSourceAsset.objects.filter(data_source_id=0, num=0)
    return _sql(links.values_list(*ASSET_COLUMNS))


@cache
def _update(_: str, model: type[Model], *names: str) -> str:
    """Return SQL that updates a row by id, if the last column still has the expected value."""
    quoted, key = connection.ops.quote_name, model._meta.pk
    assert key is not None
    table, where = quoted(model._meta.db_table), quoted(_column(model, key.name))
    columns = [quoted(_column(model, name)) for name in names]
    values = ", ".join(f"{column} = %s" for column in columns)
    return f"UPDATE {table} SET {values} WHERE {where} = %s AND {columns[-1]} = %s"  # noqa: S608


def _sql(query: QuerySet[Any, Any]) -> str:
    return str(query.query.sql_with_params()[0])


def _column(model: type[Model], name: str) -> str:
    field: Any = model._meta.get_field(name)
    return str(field.column)
