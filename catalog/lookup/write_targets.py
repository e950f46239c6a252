"""What a write is meant for: a node, found in one lean query.

A write wants little of a node, thousands of times in a second; the model objects of a node and of
its data source cost several times what the query does. The database is asked every time. Only the
parsed structure is kept between requests, and holds as long as its text is the same.
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
from tiled_client.wire.structures import Structure

from ..database_vendor import vendor
from ..events import NodeRef
from ..fields import structure_from_text
from ..locks.fencing import Superseded
from ..models import Asset, DataSource, DataSourceAsset, Node
from .embedded import refuse_inner
from .nodes import check_family, is_taken, no_such_entry, split_path

NODE_COLUMNS = (
    "uuid",
    "structure_family",
    "data_source__id",
    "data_source__management",
    "data_source__structure",
    "data_source__generation",
    "data_source__folder",
)
ASSET_COLUMNS = ("asset_id", "asset__data_uri", "asset__size")
KEPT_STRUCTURES = 512
# The structure of an array has an entry for each of its chunks.
MOST_CHUNKS = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """A node with a data source (`source_id`), or without any."""

    ref: NodeRef
    source_id: int | None
    external: bool
    structure: Structure | None
    generation: int = 0
    folder: str = ""

    @property
    def writable(self) -> bool:
        """Whether its data are the server's own."""
        return self.source_id is not None and not self.external


def find_target(path: str, *families: StructureFamily) -> Target:
    """Return the node at `path`, which must be of one of `families`.

    Raises NotFound, NotSupported (inside a file).
    """
    segments = split_path(path)
    joined = "/".join(segments)
    # No key has a NUL, and PostgreSQL does not even let us ask.
    row = None if "\0" in joined else _row(_select_node(vendor()), [joined])
    if row is None:
        refuse_inner(segments)
        raise no_such_entry(segments)
    uuid, family_name, source_id, management, text, generation, folder = row
    node, family = UUID(uuid) if isinstance(uuid, str) else uuid, StructureFamily(family_name)
    check_family(joined, family, families)
    structure = None if text is None else _structures.get(node, family, text)
    ref = NodeRef(node, joined, family)
    external = management == Management.external
    return Target(ref, source_id, external, structure, generation or 0, folder or "")


def store_structure(target: Target, structure: Structure) -> bool:
    """Keep another structure for `target`; False if it was deleted or changed since then."""
    field: Any = DataSource._meta.get_field("structure")
    value = field.get_db_prep_value(structure.to_json(), connection)
    update = _update(vendor(), DataSource, "structure", "generation")
    known = [target.generation + 1, target.source_id, target.generation]
    found = _changed(update, [value, *known])
    if found and isinstance(value, str):
        _structures.put(target.ref.uuid, value, structure)
    return found


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """The file of a partition, by its asset; `size` is how many bytes of it count."""

    asset_id: int
    data_uri: str
    size: int


def find_partition(target: Target, number: int) -> StoredPartition | None:
    """Return the file with the rows of a partition; None before there were any."""
    row = _row(_select_partition(vendor()), [target.source_id, number])
    return None if row is None else StoredPartition(row[0], row[1], row[2] or 0)


def store_size(partition: StoredPartition, size: int) -> bool:
    """Let `size` bytes of the file count; False if it was deleted or grew since it was found."""
    values = [size, partition.asset_id, partition.size]
    return _changed(_update(vendor(), Asset, "size"), values)


def superseded(target: Target) -> ServiceError:
    """Return why nothing could be stored: `target` was deleted, or another write was first."""
    if is_taken(target.ref.path):
        return Superseded()
    return no_such_entry(split_path(target.ref.path))


class Structures:
    """Cache of the structures of recently requested nodes, each with its text in the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[UUID, tuple[str, Structure]] = OrderedDict()

    def get(self, node: UUID, family: StructureFamily, text: str) -> Structure | None:
        """Return the structure in `text`, which the database has for `node` now."""
        kept = self._kept.get(node)
        if kept is not None and kept[0] == text:
            return kept[1]
        structure = structure_from_text(family, text)
        if structure is not None:
            self.put(node, text, structure)
        return structure

    def put(self, node: UUID, text: str, structure: Structure) -> None:
        """Keep what `text` says, unless it is too much to keep."""
        chunks = getattr(structure, "chunks", ())
        if sum(len(sizes) for sizes in chunks if sizes is not None) > MOST_CHUNKS:
            return
        with self._lock:
            self._kept[node] = (text, structure)
            self._kept.move_to_end(node)
            if len(self._kept) > KEPT_STRUCTURES:
                self._kept.popitem(last=False)


_structures = Structures()


def _row(sql: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


def _changed(sql: str, parameters: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return bool(cursor.rowcount)


# The queries as the ORM has them for this kind of database, made once.


@cache
def _select_node(_: str) -> str:
    return _sql(Node.objects.filter(path="").values_list(*NODE_COLUMNS))


@cache
def _select_partition(_: str) -> str:
    links = DataSourceAsset.objects.filter(data_source_id=0, num=0)
    return _sql(links.values_list(*ASSET_COLUMNS))


@cache
def _update(_: str, model: type[Model], *names: str) -> str:
    """Set columns of the row with an id, if the last of them has the value that is expected."""
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
