"""Clearing up what belongs to no node.

A deletion first deletes rows, then files; a new node first has files, then a row. Where a server
is killed in between, a folder is left that nobody will ever ask for.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ..config import storage_settings
from ..models import Node
from .stores import discard_folder, node_folder

logger = logging.getLogger(__name__)

# In seconds: what is younger may belong to a node that is just being made.
UNCLAIMED = 15 * 60
BATCH = 1000
_TWO_DIGITS = re.compile(r"[0-9a-f]{2}")
_UUID = re.compile(r"[0-9a-f]{32}")


def sweep_folders(*, unclaimed: float = UNCLAIMED) -> int:
    """Remove the folders of nodes that are not there, and how many they were.

    Those that have changed in the last `unclaimed` seconds stay, and whatever else lies in the
    storage.
    """
    removed = 0
    folders = _folders(storage_settings().directory)
    while found := list(islice(folders, BATCH)):
        for node in missing(found):
            if _is_old(node_folder(node), unclaimed):
                discard_folder(node)
                removed += 1
    if removed:
        logger.warning("Removed %s folders of nodes that do not exist.", removed)
    return removed


def missing(nodes: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Those of `nodes` that are not in the database."""
    return set(nodes) - set(Node.objects.filter(uuid__in=nodes).values_list("uuid", flat=True))


def _folders(root: Path) -> Iterator[uuid.UUID]:
    """The nodes that have a folder, or had one."""
    for group in _named(root, _TWO_DIGITS):
        for folder in _named(group, _UUID):
            if folder.name.startswith(group.name):
                yield uuid.UUID(folder.name)


def _named(folder: Path, form: re.Pattern[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if form.fullmatch(path.name)]


def _is_old(folder: Path, seconds: float) -> bool:
    try:
        return folder.lstat().st_mtime <= time.time() - seconds
    except FileNotFoundError:
        return False
