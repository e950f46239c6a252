"""Find folders that belong to no node, and files that belong to no row of their node."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from ....config import storage_settings
from ....models import Node
from ..damages import Leftover
from ..known_nodes import BATCH, missing
from .cleanup import is_old, node_folders, unnamed_files
from .paths import node_folder

# Folders that a repair has moved away. The cleanup ignores it, as everything but folders of nodes.
ORPHANS = ".orphans"


def find_leftovers(min_age: float) -> Iterator[Leftover]:
    """Yield the folders of no node, and the files of no row, that are `min_age` seconds old."""
    folders = node_folders(storage_settings().directory)
    while found := list(islice(folders, BATCH)):
        gone = missing(found)
        for node in gone:
            folder = node_folder(node)
            if is_old(folder, min_age):
                detail = f"{folder} is the folder of a node that the database does not have"
                yield Leftover(node, None, detail, str(folder))
        rows = Node.objects.filter(uuid__in=set(found) - gone)
        for known, path in list(rows.values_list("uuid", "path")):
            for file in unnamed_files(known, min_age):
                detail = f"{file} is of an interrupted write, or was replaced"
                yield Leftover(known, path, detail, str(file))


def move_orphan(node: UUID, min_age: float) -> str | None:
    """Move the folder of no node to `.orphans`; return where it is then.

    Return None, and leave it, if a node has it by now, or it was changed.
    """
    folder = node_folder(node)
    if not missing([node]) or not is_old(folder, min_age):
        return None
    target = storage_settings().directory / ORPHANS / node.hex
    target.parent.mkdir(mode=0o700, exist_ok=True)
    folder.rename(target)
    return str(target)
