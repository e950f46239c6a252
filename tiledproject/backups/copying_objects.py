"""Copy the objects of a site's bucket into a backup, several at a time.

Objects are never changed: one of the same name, size and time as in the backup before is linked.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.bucket.snapshot import NodeObjects
from catalog.storage.errors import MissingFile
from catalog.storage.objects.client import PART_BYTES, ObjectInfo, ObjectStore

from .copying import Copier
from .manifest import ManifestEntry
from .repository import STORAGE

# Nodes whose objects are listed at the same time.
LISTED_NODES = 64


@dataclass(frozen=True, slots=True)
class _Object:
    """An object of the snapshot: its size by the database, and what the bucket has of it."""

    key: str
    size: int
    found: ObjectInfo | None
    known: ManifestEntry | None

    @property
    def name(self) -> str:
        return f"{STORAGE}/{self.key}"


def copy_objects(objects: ObjectStore, nodes: Iterable[NodeObjects], copier: Copier) -> None:
    """Copy the objects of all nodes; missing and short ones become problems of the counts.

    Raises StorageUnavailable, OSError.
    """

    def take(wanted: _Object) -> tuple[_Object, ManifestEntry | None, bool]:
        return _take(objects, wanted, copier)

    found = _objects(objects, nodes, copier)
    taken = objects.parallel(take, found, nbytes=lambda wanted: min(wanted.size, PART_BYTES))
    for wanted, entry, is_linked in taken:
        if entry is None:
            copier.counts.problems.append(f"{objects.address(wanted.key)} does not exist")
            continue
        if entry.size != wanted.size:
            address = objects.address(wanted.key)
            copier.counts.problems.append(f"{address} has {entry.size} bytes of {wanted.size}")
        copier.note(entry, is_linked=is_linked)


def _objects(
    objects: ObjectStore, nodes: Iterable[NodeObjects], copier: Copier
) -> Iterator[_Object]:
    def listed(node: NodeObjects) -> tuple[NodeObjects, dict[str, ObjectInfo]]:
        infos = objects.list_objects(node_folder(node.node)) if node.sizes else ()
        return node, {info.name: info for info in infos}

    waiting = iter(nodes)
    while some := list(islice(waiting, LISTED_NODES)):
        for node, infos in objects.parallel(listed, some):
            for name, size in node.sizes.items():
                key = f"{node_folder(node.node)}/{name}"
                found = infos.get(key)
                if size is None:
                    size = found.size if found else 0
                yield _Object(key, size, found, copier.known(f"{STORAGE}/{key}"))


def _take(
    objects: ObjectStore, wanted: _Object, copier: Copier
) -> tuple[_Object, ManifestEntry | None, bool]:
    """Link or copy an object; return its entry, or None, and whether it was linked."""
    found, known = wanted.found, wanted.known
    if found is None:
        return wanted, None, False
    target = copier.place(wanted.name)
    time = int(found.modified.timestamp() * 1_000_000) * 1000
    if (
        known is not None
        and (known.size, known.mtime_ns) == (found.size, time)
        and copier.link_previous(known, target)
    ):
        return wanted, known, True
    try:
        size, digest = _fetch(objects, found, target)
    except MissingFile:
        return wanted, None, False
    os.utime(target, ns=(time, time))
    return wanted, ManifestEntry(wanted.name, size, time, digest, fixed=True), False


def _fetch(objects: ObjectStore, found: ObjectInfo, target: Path) -> tuple[int, bytes]:
    """Write an object to a file; return its size and digest. Raises MissingFile."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        for piece in objects.iter_bytes(found.name, 0, found.size):
            digest.update(piece)
            copy.write(piece)
            size += len(piece)
    return size, digest.digest()
