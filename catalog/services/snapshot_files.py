"""The files that a snapshot of the database names, and what of them belongs to it.

The server writes while a backup copies. Writes after the snapshot do no harm:

| files | later writes | belonging to the snapshot |
| --- | --- | --- |
| partitions of tables, ragged arrays | append, or write a new file | the first `size` bytes |
| blocks of sparse arrays, buffers | write a new file | all bytes |
| chunks within the shape | replace the file as a whole | all bytes, before or after a write |
| chunks at the edge of the shape | also change bytes beyond the shape | bytes within the shape |
| chunks beyond the shape | | nothing |
| `zarr.json`, marks of written chunks | change in place, under the lock of the node | all bytes |
| staged chunks | are renamed or removed | all bytes: the database says whether they count |

A restored array is as after a crash: its folder may extend beyond the shape in the database, which
readers ignore, and the next growth clears.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ..locks.node_locks import LockTimeout, node_lock
from ..models import DataSource, Node
from ..storage import layout as array_layout
from ..storage.chunks import files as chunk_files
from ..storage.chunks import staging_names, written_marks
from ..storage.encoding import Encoding
from ..storage.errors import StorageError
from ..storage.regions import chunk_region, overlap, shape_of, whole
from .stores.folder.paths import array_folder, stored_file

logger = logging.getLogger(__name__)

BATCH = 500


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A file of a snapshot.

    `size` is the number of bytes that belong to it; None means all. A `fixed` file is never changed
    in place, so that it can be shared by a hard link. An `optional` file may be gone.
    """

    path: Path
    size: int | None = None
    fixed: bool = False
    optional: bool = False


def snapshot_files(database: str) -> Iterator[SnapshotFile]:
    """Iterate over the files that `database`, an alias of a connection, names.

    Copy each before the next is taken: the lock of an array is held for some of them. External
    files are not included.
    """
    sources = DataSource.objects.using(database).exclude(management="external")
    sources = sources.select_related("node").prefetch_related("asset_links")
    for source in sources.order_by("pk").iterator(chunk_size=BATCH):
        if source.structure_family == "array":
            yield from _array_files(source)
        else:
            yield from _asset_files(source)


def _asset_files(source: DataSource) -> Iterator[SnapshotFile]:
    for link in source.asset_links.all():
        path = stored_file(source.node.uuid, link.asset.data_uri)
        yield SnapshotFile(path, size=link.asset.size, fixed=path.suffix != ".arrows")


def _array_files(source: DataSource) -> Iterator[SnapshotFile]:
    folder = array_folder(source.node.uuid, source.folder)
    with ExitStack() as surroundings:
        _lock(surroundings, source.node)
        # Under the lock, no chunk is marked as written before its file exists, except those that a
        # killed writer has staged: copied together, they can be put into place after a restore.
        yield SnapshotFile(folder / array_layout.NAME)
        for path in sorted((folder / written_marks.FOLDER).glob("*")):
            yield SnapshotFile(path)
        yield from _staged_files(folder)
    yield from _chunks(source, folder)


def _lock(surroundings: ExitStack, node: Node) -> None:
    try:
        surroundings.enter_context(node_lock(node.path))
    except LockTimeout:
        logger.warning("Copying the marks of %s while it is being written.", node)


def _staged_files(folder: Path) -> Iterator[SnapshotFile]:
    for stage in staging_names.find_stages(folder):
        yield SnapshotFile(Path(stage.path), fixed=True, optional=True)
        if stage.index is None:
            for _, path in stage.chunks(folder):
                yield SnapshotFile(Path(path), fixed=True, optional=True)


def _chunks(source: DataSource, folder: Path) -> Iterator[SnapshotFile]:
    try:
        structure = source.node.structure
        assert isinstance(structure, ArrayStructure)
        layout = array_layout.read_layout(folder, structure)
    except (WireError, StorageError) as error:
        logger.warning("%s is copied as it is: %s", source.node, error)
        for path in sorted(folder.glob(f"{staging_names.FOLDER}/**/*")):
            if path.is_file():
                yield SnapshotFile(path)
        return
    inside = whole(structure.shape + Encoding.of(structure.dtype).inner)
    for index, path in chunk_files.existing_chunks(folder, len(layout.chunk)):
        covered = shape_of(overlap(chunk_region(index, layout.chunk), inside))
        if min(covered, default=1) > 0:
            # The rest of a chunk at the edge is changed in place while the array grows.
            yield SnapshotFile(path, fixed=covered == layout.chunk)
