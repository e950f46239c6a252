"""Where a restore puts stored data: the folder or the bucket of the site.

A backup has files or objects, in the form in which its site had them. A site of the other kind gets
them converted, once its database is restored, which says what they mean.

| backup | site | target |
| --- | --- | --- |
| files | folder | `FolderTarget` |
| objects | bucket | `BucketTarget` |
| objects | folder, or files and a bucket | `ConvertingTarget` before one of these |
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from catalog.models import Chunk, DataSource, ReplacedObject
from catalog.services.stores.bucket.chunk_rows import parse_grid
from catalog.services.stores.bucket.cleanup import iter_nodes
from catalog.services.stores.bucket.descriptions import Descriptions
from catalog.services.stores.bucket.mark import BucketMark
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.folder.cleanup import node_folders
from catalog.services.stores.folder.mark import FILE as MARK
from catalog.services.stores.site_bucket import object_store
from catalog.storage.chunk_objects import VERSIONS
from catalog.storage.files import file_uri, node_directory
from catalog.storage.layout import plan
from catalog.storage.objects.client import PART_BYTES, ObjectStore
from tiled_client.wire.structures import ArrayStructure

from ..config.settings_model import Settings
from ..storage_copy.sources import internal_sources
from .copying import is_intact, restore_file
from .errors import BackupError
from .manifest import ManifestEntry
from .repository import STORAGE

Stored = tuple[ManifestEntry, bool]


class Target(Protocol):
    """The storage of the site that a backup is restored into."""

    @property
    def uri(self) -> str:
        """The URI below which all data are."""
        ...

    def count_nodes(self) -> int:
        """Return the number of nodes that have data here. Raises BackupError."""
        ...

    def clear(self) -> None:
        """Remove the mark, so that no server starts before the end, and then all data."""
        ...

    def store(self, backup: Path, entries: Iterable[ManifestEntry]) -> Iterator[Stored]:
        """Store files of a backup; yield each entry, and whether the file was intact."""
        ...

    def finish(self) -> None:
        """Complete the data, once the database is restored."""
        ...


def storage_uri(site: Settings) -> str:
    """Return the URI below which all data of a site are."""
    return site.storage.uri or file_uri(site.storage.directory.absolute())


class FolderTarget:
    """The storage directory of the site."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = file_uri(root.absolute())

    def count_nodes(self) -> int:
        """Count the folders of nodes."""
        return sum(1 for _ in node_folders(self.root))

    def clear(self) -> None:
        """Remove the mark and the folders of nodes."""
        (self.root / MARK).unlink(missing_ok=True)
        for node in node_folders(self.root):
            shutil.rmtree(node_directory(self.root, node))

    def store(self, backup: Path, entries: Iterable[ManifestEntry]) -> Iterator[Stored]:
        """Copy files."""
        for entry in entries:
            place = self.root / Path(entry.name).relative_to(STORAGE)
            yield entry, restore_file(backup, entry, place)

    def finish(self) -> None:
        """Do nothing."""


class BucketTarget:
    """The prefix of the site's bucket."""

    def __init__(self) -> None:
        self.objects = object_store()
        self.uri = self.objects.location.uri

    def count_nodes(self) -> int:
        """Count the nodes with objects."""
        if (around := BucketMark(self.objects).site_around()) is not None:
            raise BackupError(
                f"The prefix {self.uri} is within that of another site, which has {around}; name "
                "another prefix as storage.uri."
            )
        return sum(1 for _ in iter_nodes(self.objects))

    def clear(self) -> None:
        """Remove the mark and the objects of nodes."""
        BucketMark(self.objects).remove()
        for node in iter_nodes(self.objects):
            self.objects.delete_folder(node_folder(node))

    def store(self, backup: Path, entries: Iterable[ManifestEntry]) -> Iterator[Stored]:
        """Put objects, several at a time."""

        def put(entry: ManifestEntry) -> Stored:
            return entry, _put(self.objects, backup, entry)

        def nbytes(entry: ManifestEntry) -> int:
            return min(entry.size, 2 * PART_BYTES)

        yield from self.objects.parallel(put, entries, nbytes=nbytes)

    def finish(self) -> None:
        """Describe arrays; have the servers put what other readers of the bucket need besides."""
        ReplacedObject.objects.all().delete()
        Chunk.objects.filter(name__startswith=f"{VERSIONS}/").update(plain=False)
        descriptions = Descriptions(self.objects)

        def describe(array: tuple[DataSource, ArrayStructure]) -> None:
            source, structure = array
            layout = plan(structure, chunk=parse_grid(source.chunk_grid or ""))
            descriptions.put(source.node.uuid, structure, layout)

        for _ in self.objects.parallel(describe, _arrays()):
            pass


def _arrays() -> Iterator[tuple[DataSource, ArrayStructure]]:
    for source in internal_sources():
        structure = source.node.structure
        if isinstance(structure, ArrayStructure):
            yield source, structure


def _put(objects: ObjectStore, backup: Path, entry: ManifestEntry) -> bool:
    """Put the object of a file; return False, without it, if the file is damaged."""
    name, path = entry.name.removeprefix(f"{STORAGE}/"), backup / entry.name
    if entry.size > PART_BYTES and not is_intact(backup, entry):
        return False
    digest = hashlib.sha256()
    try:
        if entry.size <= PART_BYTES:
            content = path.read_bytes()
            digest.update(content)
            if digest.digest() == entry.sha256:
                objects.put(name, content)
        else:
            objects.put_stream(name, _pieces(path, digest))
    except FileNotFoundError:
        return False
    return digest.digest() == entry.sha256


def _pieces(path: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            yield piece
