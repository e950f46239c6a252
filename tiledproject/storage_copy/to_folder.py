"""Copy data from the bucket of a site to a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import xxhash

from catalog.models import Asset, AssetPart, Chunk, DataSource
from catalog.services.stores.bucket.chunk_rows import ChunkState, read_state
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.files import StoredFile
from catalog.services.stores.files.object_downloads import key_of, open_download
from catalog.storage.atomic_write import replace_file, write_new_file
from catalog.storage.chunk_objects import Index
from catalog.storage.chunks import written_marks
from catalog.storage.chunks.staging_names import chunk_path
from catalog.storage.encoding import Encoding
from catalog.storage.errors import MissingFile
from catalog.storage.files import file_uri, node_directory, uri_name
from catalog.storage.layout import Written, plan, write_layout
from catalog.storage.objects.client import ObjectStore
from catalog.storage.regions import chunks_of, whole
from tiled_client.wire.structures import ArrayStructure

from .errors import DiffersError
from .progress import CopyProgress

STATES = {"none": Written.NONE, "some": Written.SOME, "all": Written.ALL}


class ToFolder:
    """Copies the data of one data source after the other from `objects` to folders in `root`."""

    def __init__(self, root: Path, progress: CopyProgress, objects: ObjectStore) -> None:
        self._root = root
        self._objects = objects
        self._progress = progress

    def settle(self, source: DataSource) -> None:
        """Do nothing: an interrupted write has changed nothing."""

    def copy(self, source: DataSource) -> None:
        """Copy what has changed since the last run, and read it back.

        Raises MissingFile, DiffersError, StorageError, OSError.
        """
        structure = source.node.structure
        if isinstance(structure, ArrayStructure):
            self._copy_array(source, structure)
            return
        for link in source.asset_links.all():
            self._copy_file(source.node.uuid, link.asset)

    def switch(self, source: DataSource) -> None:
        """Let the rows of a copied data source name the files. Call it in a transaction."""
        folder = node_directory(self._root, source.node.uuid)
        Chunk.objects.filter(data_source=source).delete()
        source.chunk_grid = source.chunks_written = None
        source.generation += 1
        source.save()
        for link in source.asset_links.all():
            asset = link.asset
            AssetPart.objects.filter(asset=asset).delete()
            place = folder if asset.is_directory else folder / uri_name(asset.data_uri)
            asset.data_uri = file_uri(place)
            asset.save(update_fields=["data_uri"])

    def _copy_array(self, source: DataSource, structure: ArrayStructure) -> None:
        state = read_state(source.pk)
        if state is None:
            raise MissingFile(f"The array {source.node} is not in the bucket.")
        folder = node_directory(self._root, source.node.uuid)
        layout = plan(structure, chunk=state.chunk)
        shape = structure.shape + Encoding.of(structure.dtype).inner
        written = list(_written(state, shape))
        for index in written:
            self._copy_chunk(node_folder(source.node.uuid), folder, index, state.name(index))
        if state.written == "some":
            written_marks.mark_each(folder, written)
        write_layout(folder, layout, structure, STATES[state.written])

    def _copy_chunk(self, prefix: str, folder: Path, index: Index, name: str | None) -> None:
        path = chunk_path(folder, index)
        if name is None or self._progress.is_copied(path, name):
            return
        content = self._objects.get(f"{prefix}/{name}")
        replace_file(path, content)
        if Path(path).read_bytes() != content:
            raise DiffersError(f"{path} differs from {self._objects.address(prefix)}/{name}.")
        self._progress.note(path, name)

    def _copy_file(self, node: UUID, asset: Asset) -> None:
        path = node_directory(self._root, node) / uri_name(asset.data_uri)
        state = f"{asset.size}"
        if self._progress.is_copied(str(path), state):
            return
        file = StoredFile.of(node, asset)
        sent, read = xxhash.xxh3_128(), xxhash.xxh3_128()
        aside = path.with_name(f"{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        opened = open_download(self._objects, file)
        pieces = (_digested(piece, sent) for piece in opened.chunks(0, asset.size or 0))
        write_new_file(aside, pieces)
        with aside.open("rb") as written:
            while piece := written.read(1 << 20):
                read.update(piece)
        if sent.digest() != read.digest():
            raise DiffersError(f"{path} differs from {self._objects.address(key_of(file))}.")
        aside.replace(path)
        self._progress.note(str(path), state)


def _written(state: ChunkState, shape: tuple[int, ...]) -> Iterable[Index]:
    """Return the chunks that were written."""
    if state.written == "all":
        return chunks_of(whole(shape), state.chunk)
    # An array without dimensions has one chunk, without numbers.
    texts = state.rows if state.chunk else ()
    indices = [tuple(map(int, text.split("."))) for text in texts]
    return indices if state.chunk else [()] * bool(state.rows)


def _digested(piece: bytes | memoryview, digest: xxhash.xxh3_128) -> bytes | memoryview:
    digest.update(piece)
    return piece
