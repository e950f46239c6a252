"""Copy data from the bucket of a site to a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import xxhash

from catalog.models import Asset, AssetPart, Chunk, DataSource
from catalog.services.stores.bucket.chunk_rows import ChunkState, read_state
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.files import StoredFile, part_rows
from catalog.services.stores.files.object_downloads import key_of, open_download
from catalog.services.stores.files.part_rows import Part
from catalog.storage.atomic_write import replace_file, write_new_file
from catalog.storage.chunk_objects import Index
from catalog.storage.chunks import written_marks
from catalog.storage.chunks.staging_names import chunk_path
from catalog.storage.errors import MissingFile
from catalog.storage.files import file_uri, node_directory, uri_name
from catalog.storage.layout import Written, plan, write_layout
from catalog.storage.objects.client import PART_BYTES, ObjectStore
from catalog.storage.regions import chunks_of, whole
from tiled_client.wire.structures import ArrayStructure

from .errors import DiffersError
from .pieces import Piece
from .progress import CopiedBefore

STATES = {"none": Written.NONE, "some": Written.SOME, "all": Written.ALL}


class ToFolder:
    """Copies the data of one data source after the other from `objects` to folders in `root`."""

    def __init__(self, root: Path, progress: CopiedBefore, objects: ObjectStore) -> None:
        self._root = root
        self.objects = objects
        self._progress = progress

    def settle(self, source: DataSource) -> None:
        """Do nothing: an interrupted write has changed nothing."""

    def pieces(self, source: DataSource) -> Iterator[Piece]:
        """Yield what has changed since the last run. Raises MissingFile, StorageError, OSError."""
        structure = source.node.structure
        if isinstance(structure, ArrayStructure):
            yield from self._array_pieces(source, structure)
            return
        for link in source.asset_links.all():
            yield from self._file_pieces(source.node.uuid, link.asset)

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

    def _array_pieces(self, source: DataSource, structure: ArrayStructure) -> Iterator[Piece]:
        state = read_state(source.pk)
        if state is None:
            raise MissingFile(f"The array {source.node} is not in the bucket.")
        folder = node_directory(self._root, source.node.uuid)
        layout = plan(structure, chunk=state.chunk)
        prefix = node_folder(source.node.uuid)
        size = layout.chunk_bytes
        written = list(_written(state, layout.shape))
        for index in written:
            name, path = state.name(index), chunk_path(folder, index)
            if name is not None and not self._progress.is_copied(path, name):
                copy = partial(self._copy_chunk, f"{prefix}/{name}", path)
                yield Piece(copy, 2 * size, path, name)
        if state.written == "some":
            written_marks.mark_each(folder, written)
        write_layout(folder, layout, structure, STATES[state.written])

    def _copy_chunk(self, name: str, path: str) -> None:
        content = self.objects.get(name)
        replace_file(path, content)
        if Path(path).read_bytes() != content:
            raise DiffersError(f"{path} differs from {self.objects.address(name)}.")

    def _file_pieces(self, node: UUID, asset: Asset) -> Iterator[Piece]:
        path = node_directory(self._root, node) / uri_name(asset.data_uri)
        state = f"{asset.size}"
        if self._progress.is_copied(str(path), state):
            return
        file = StoredFile.of(node, asset)
        parts = part_rows.of([file])[file.asset_id]
        kept = sum(len(part.content) for part in parts)
        copy = partial(self._copy_file, file, parts, path)
        yield Piece(copy, kept + min(file.size, PART_BYTES), str(path), state)

    def _copy_file(self, file: StoredFile, parts: Sequence[Part], path: Path) -> None:
        sent, read = xxhash.xxh3_128(), xxhash.xxh3_128()
        aside = path.with_name(f"{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.unlink(missing_ok=True)
        opened = open_download(self.objects, file, parts)
        pieces = (_digested(piece, sent) for piece in opened.chunks(0, file.size))
        write_new_file(aside, pieces)
        with aside.open("rb") as written:
            while piece := written.read(1 << 20):
                read.update(piece)
        if sent.digest() != read.digest():
            raise DiffersError(f"{path} differs from {self.objects.address(key_of(file))}.")
        aside.replace(path)


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
