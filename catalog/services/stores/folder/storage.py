"""The storage of a site whose data are in a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from ....models import DataSource
from ....storage import files
from ..damages import ArrayDamage, Leftover
from ..interface import StoredSize
from ..known_nodes import MIN_AGE_SECONDS
from . import cleanup, damages, leftovers, paths
from .arrays import FolderArrays
from .mark import FolderMark


class FolderStorage:
    """The folder that `storage.directory` names."""

    def __init__(self) -> None:
        self.arrays = FolderArrays()
        self.mark = FolderMark()

    def node_uri(self, node: UUID) -> str:
        """Return the URI of the folder of a node."""
        return files.file_uri(paths.node_folder(node))

    def discard_nodes(self, nodes: Collection[UUID]) -> None:
        """Remove the folders of nodes that exist; leave them to the cleanup during a backup."""
        paths.discard_folders(nodes)

    def sizes(self, node: UUID) -> Iterator[StoredSize]:
        """Yield the size of each file of a node; symbolic links are not followed."""
        folders: list[str | Path] = [paths.node_folder(node)]
        while folders:
            # Files may disappear meanwhile, or be inaccessible.
            with suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        yield StoredSize(status.st_size, status.st_mtime)

    def find_damages(
        self, source: DataSource, *, quick: bool, only: tuple[int, ...] | None = None
    ) -> Iterator[ArrayDamage]:
        """Yield damage of the folder of an array, and of the files of its chunks."""
        return damages.find_damages(source, quick=quick, only=only)

    def leftovers(self, min_age: float) -> Iterator[Leftover]:
        """Yield the folders of no node, and the files of no row."""
        return leftovers.find_leftovers(min_age)

    def move_orphan(self, node: UUID, min_age: float) -> str | None:
        """Move the folder of no node to `.orphans`."""
        return leftovers.move_orphan(node, min_age)

    def remove_orphaned_nodes(self, min_age: float) -> int:
        """Remove the folders of nodes that do not exist; return how many were removed."""
        return cleanup.remove_orphaned_folders(min_age)

    def remove_orphaned_files(self, min_age: float) -> int:
        """Remove files of existing nodes that no row names; return how many were removed."""
        return cleanup.remove_orphaned_files(min_age)

    def tend(self, min_age: float = MIN_AGE_SECONDS) -> None:
        """Do nothing: a write removes the files that it has replaced."""
