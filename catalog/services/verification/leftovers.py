"""Find stored files that belong to no node, or to no row of their node."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ...config import storage_settings
from ...models import Node
from ..stores.folder.cleanup import is_old, node_folders, unnamed_files
from ..stores.folder.paths import node_folder
from ..stores.known_nodes import BATCH, missing
from .problems import Problem, ProblemKind

# Folders that a repair has moved away. The cleanup ignores it, as everything but folders of nodes.
ORPHANS = ".orphans"


def verify_leftovers(*, min_age: float) -> Iterator[Problem]:
    """Yield the folders of no node, and the files of no row, that are `min_age` seconds old."""
    folders = node_folders(storage_settings().directory)
    while found := list(islice(folders, BATCH)):
        gone = missing(found)
        for node in gone:
            folder = node_folder(node)
            if is_old(folder, min_age):
                detail = f"{folder} is the folder of a node that the database does not have"
                yield Problem(ProblemKind.NO_NODE, detail, node=node.hex, file=str(folder))
        rows = Node.objects.filter(uuid__in=set(found) - gone)
        for known, path in list(rows.values_list("uuid", "path")):
            for file in unnamed_files(known, min_age):
                detail = f"{file} is of an interrupted write, or was replaced"
                yield Problem(ProblemKind.NO_ROW, detail, path, known.hex, str(file))


def move_orphan(problem: Problem, *, min_age: float) -> Path | None:
    """Move the folder of no node to `.orphans`; return where it is then.

    Return None, and leave it, if a node has it by now, or it was changed.
    """
    node = uuid.UUID(problem.node)
    folder = node_folder(node)
    if not missing([node]) or not is_old(folder, min_age):
        return None
    target = storage_settings().directory / ORPHANS / node.hex
    target.parent.mkdir(mode=0o700, exist_ok=True)
    folder.rename(target)
    return target
