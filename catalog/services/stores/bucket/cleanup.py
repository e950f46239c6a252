"""Clean up objects of no node, and objects that no row names."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from itertools import groupby, islice
from time import time
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from tiled_client.wire.structures import ArrayStructure

from ....locks.node_locks import LockTimeout, node_lock
from ....models import Chunk, DataSource, Node, ReplacedObject
from ....storage.chunk_objects import Index, index_text, parse_plain_name
from ....storage.encoding import Encoding
from ....storage.errors import StorageError
from ....storage.layout import NAME
from ....storage.objects.client import ObjectInfo, ObjectStore
from ..damages import Leftover
from ..known_nodes import BATCH, missing
from ..removal_hold import removals_are_held
from .chunk_rows import ALL, parse_grid
from .names import node_folder, parse_name

logger = logging.getLogger(__name__)

# Objects that one run looks at; it begins at a random group of nodes, so that all get their turn.
MAX_LISTED = 500_000
# Deleted with their node; the rest of a larger one is left to the cleanup.
MAX_DELETED_AT_ONCE = 10_000

# Returns the objects that rows name of a data source of a family other than arrays, of some names.
Named = Callable[[DataSource, Set[str]], set[str]]


def remove_orphaned_nodes(objects: ObjectStore, min_age: float) -> int:
    """Delete the objects of nodes that do not exist; return the number of nodes."""
    removed = 0
    nodes = iter_nodes(objects)
    while found := list(islice(nodes, BATCH)):
        for node in missing(found):
            infos = list(islice(objects.list_objects(node_folder(node)), MAX_LISTED))
            if all(is_old(info, min_age) for info in infos) and not removals_are_held():
                objects.delete(info.name for info in infos)
                ReplacedObject.objects.filter(node=node).delete()
                removed += 1
    return removed


def discard_nodes(objects: ObjectStore, nodes: Collection[UUID]) -> None:
    """Delete the objects of nodes, the first ones of very many; leave others to the cleanup."""
    if not nodes or removals_are_held():
        return
    for node in nodes:
        found = objects.list_objects(node_folder(node))
        objects.delete(info.name for info in islice(found, MAX_DELETED_AT_ONCE))


def remove_unnamed_objects(objects: ObjectStore, min_age: float, named: Named) -> int:
    """Delete objects of existing nodes that no row names; return their number.

    A write that put them has failed, or holds the lock of the node, which is taken here.
    """
    removed = 0
    for node, infos in suspects(objects, min_age, named):
        path = Node.objects.filter(uuid=node).values_list("path", flat=True).first()
        if path is None:
            continue
        try:
            with node_lock(path):
                # A writer that has lost its lock cannot make these objects current any more: it has
                # done so before, or its commit fails.
                DataSource.objects.filter(node__uuid=node).update(generation=F("generation") + 1)
                unnamed = _unnamed(node, infos, named)
                if removals_are_held():
                    continue
                objects.delete(f"{node_folder(node)}/{name}" for name in unnamed)
                removed += len(unnamed)
        except (LockTimeout, StorageError) as error:
            logger.warning("Skipped the objects of %s until the next cleanup: %s", path, error)
    return removed


def find_leftovers(objects: ObjectStore, min_age: float, named: Named) -> Iterator[Leftover]:
    """Yield nodes that have objects and do not exist, and objects that no row names."""
    nodes = iter_nodes(objects)
    while found := list(islice(nodes, BATCH)):
        for node in missing(found):
            place = objects.address(node_folder(node))
            if all(is_old(info, min_age) for info in objects.list_objects(node_folder(node))):
                detail = f"{place} has objects of a node that the database does not have"
                yield Leftover(node, None, detail, place)
    for node, infos in suspects(objects, min_age, named):
        path = Node.objects.filter(uuid=node).values_list("path", flat=True).first()
        for name in infos if path is not None else ():
            place = objects.address(f"{node_folder(node)}/{name}")
            yield Leftover(node, path, f"{place} is of an interrupted write", place)


def suspects(
    objects: ObjectStore, min_age: float, named: Named
) -> Iterator[tuple[UUID, dict[str, ObjectInfo]]]:
    """Yield existing nodes with objects that no row names, and those objects by name."""
    found = groupby(_some_objects(objects), key=lambda one: one[0])
    while some := [(node, list(group)) for node, group in islice(_grouped(found), 100)]:
        known = {node for node, _ in some} - missing([node for node, _ in some])
        for node, group in some:
            old = {name: info for _, name, info in group if is_old(info, min_age)}
            if node in known and (names := _unnamed(node, old, named)):
                yield node, {name: old[name] for name in names}


def _grouped(
    found: Iterator[tuple[UUID, Iterator[tuple[UUID, str, ObjectInfo]]]],
) -> Iterator[tuple[UUID, list[tuple[UUID, str, ObjectInfo]]]]:
    for node, group in found:
        yield node, list(group)


def iter_nodes(objects: ObjectStore) -> Iterator[UUID]:
    """Iterate over the nodes that have objects."""
    groups, _ = objects.list_folder()
    for group in groups:
        folders, _ = objects.list_folder(group)
        for folder in folders:
            if (found := parse_name(f"{folder}/_")) is not None:
                yield found[0]


def is_old(info: ObjectInfo, seconds: float) -> bool:
    """Return whether an object was put at least so many seconds ago."""
    return info.modified.timestamp() <= time() - seconds


def _some_objects(objects: ObjectStore) -> Iterator[tuple[UUID, str, ObjectInfo]]:
    """Yield objects of nodes, each node's together, with the node and their name in it."""
    groups, _ = objects.list_folder()
    begin = secrets.randbelow(len(groups)) if groups else 0
    listed = 0
    for group in (*groups[begin:], *groups[:begin]):
        if listed > MAX_LISTED:
            return
        for info in objects.list_objects(group):
            listed += 1
            if (found := parse_name(info.name)) is not None:
                yield *found, info


def _unnamed(node: UUID, infos: Mapping[str, ObjectInfo], named: Named) -> list[str]:
    """Return the names of those objects of a node that nothing needs."""
    source = DataSource.objects.select_related("node").filter(node__uuid=node).first()
    if source is None or source.external:
        return list(infos)
    names = set(infos)
    names -= _existing(names, lambda some: _replaced(node, some))
    if source.structure_family != "array":
        return sorted(names - named(source, names))
    return sorted(names - array_names(source, names))


def array_names(source: DataSource, names: Set[str]) -> set[str]:
    """Return those of `names` that are current objects of an array, or what Zarr calls them."""
    kept = set(names & {NAME})
    kept |= _existing(names, lambda some: _chunks(source).filter(name__in=some).values("name"))
    plain = {name: index for name in names if (index := parse_plain_name(name)) is not None}
    if source.chunks_written == ALL:
        kept |= {name for name, index in plain.items() if _is_within(source, index)}
    left = {index_text(index): name for name, index in plain.items() if name not in kept}
    rows = _existing(set(left), lambda some: _chunks(source).filter(index__in=some).values("index"))
    return kept | {left[text] for text in rows}


def _existing(texts: Set[str], query: Callable[[list[str]], Any]) -> set[str]:
    """Return those of `texts` that a query finds, which takes some of them at a time."""
    found: set[str] = set()
    waiting = iter(texts)
    while some := list(islice(waiting, 500)):
        for row in query(some):
            found |= set(row.values())
    return found


def _chunks(source: DataSource) -> QuerySet[Chunk]:
    return Chunk.objects.filter(data_source=source).exclude(index="")


def _replaced(node: UUID, names: list[str]) -> Any:
    return ReplacedObject.objects.filter(node=node, name__in=names).values("name")


def _is_within(source: DataSource, index: Index) -> bool:
    structure = source.node.structure
    assert isinstance(structure, ArrayStructure)
    shape = structure.shape + Encoding.of(structure.dtype).inner
    grid = parse_grid(source.chunk_grid or "")
    return len(index) == len(grid) and all(
        number * size < end for number, size, end in zip(index, grid, shape, strict=True)
    )
