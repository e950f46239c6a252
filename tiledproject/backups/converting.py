"""Restore a backup of objects into a folder, or one of files into a bucket."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from catalog.models import DataSource
from catalog.services.stores.folder.overwrites import settle_stages
from catalog.storage.chunks.staging_names import find_stages
from catalog.storage.errors import StorageError
from catalog.storage.files import node_directory
from catalog.storage.objects.client import ObjectStore
from catalog.storage.objects.location import FolderLocation
from tiled_client.wire.structures import ArrayStructure

from ..storage_copy.errors import CopyError
from ..storage_copy.pieces import Direction, copy_source
from ..storage_copy.progress import NoProgress
from ..storage_copy.sources import internal_sources
from ..storage_copy.to_bucket import ToBucket
from ..storage_copy.to_folder import ToFolder
from .copying import is_intact
from .errors import BackupError
from .manifest import ManifestEntry
from .repository import STORAGE
from .targets import BucketTarget, FolderTarget, Stored


class ConvertingTarget:
    """Stores nothing before the database is restored: it says what the files mean."""

    def __init__(self, target: FolderTarget | BucketTarget, backup: Path) -> None:
        self._target = target
        self._files = backup / STORAGE
        self.uri = target.uri

    def count_nodes(self) -> int:
        """Return the number of nodes that have data in the target."""
        return self._target.count_nodes()

    def clear(self) -> None:
        """Remove all data from the target."""
        self._target.clear()

    def store(self, backup: Path, entries: Iterable[ManifestEntry]) -> Iterator[Stored]:
        """Compare the files with their digests."""
        for entry in entries:
            yield entry, is_intact(backup, entry)

    def finish(self) -> None:
        """Copy the data of one data source after the other, and let its rows name the copy.

        Raises BackupError.
        """
        for source in internal_sources():
            try:
                with self._direction(source) as direction:
                    copy_source(direction, source)
                    with transaction.atomic():
                        direction.switch(source)
            except (StorageError, CopyError) as error:
                raise BackupError(
                    f"{source.node} cannot be restored into {self.uri}: {error} The site is "
                    "incomplete now; restore the backup with --force into a site whose storage is "
                    "of the same kind, and move it with `storage copy --to`."
                ) from error

    @contextmanager
    def _direction(self, source: DataSource) -> Iterator[Direction]:
        if isinstance(self._target, FolderTarget):
            objects = ObjectStore(FolderLocation(self._files))
            yield ToFolder(self._target.root, NoProgress(), objects)
            return
        with _settled(self._files, source) as root:
            yield ToBucket(self._target.objects, NoProgress(), root)


@contextmanager
def _settled(root: Path, source: DataSource) -> Iterator[Path]:
    """Yield a root whose folder of the array has no interrupted writes; the backup stays."""
    folder, structure = node_directory(root, source.node.uuid), source.node.structure
    if not isinstance(structure, ArrayStructure) or not find_stages(folder / source.folder):
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="tiled-restore-") as temporary:
        copy = node_directory(Path(temporary), source.node.uuid)
        shutil.copytree(folder, copy)
        settle_stages(source.node.uuid, copy / source.folder, structure, alone=True)
        yield Path(temporary)
