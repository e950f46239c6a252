"""Copy data from the storage directory to a bucket.

A chunk becomes the object that Zarr names by its index, and a file the object of its name; a
partition of a table is one object, after which rows can be appended.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import orjson
import xxhash

from catalog.models import Asset, AssetPart, DataSource
from catalog.services.stores.bucket.chunk_rows import format_grid, name_chunks
from catalog.services.stores.bucket.names import node_folder
from catalog.services.stores.folder.overwrites import settle_stages
from catalog.storage import tables
from catalog.storage.chunk_codecs import chunk_content
from catalog.storage.chunk_objects import Index, plain_name
from catalog.storage.chunks import files as chunk_files
from catalog.storage.chunks import written_marks
from catalog.storage.errors import MissingFile
from catalog.storage.files import node_directory, uri_name
from catalog.storage.layout import (
    NAME,
    Layout,
    Written,
    document,
    read_layout,
    read_written,
    reshape,
)
from catalog.storage.objects.client import PART_BYTES, ObjectStore
from catalog.storage.regions import chunk_ranges, chunk_region, overlap, relative, shape_of, whole
from tiled_client.wire.structures import ArrayStructure

from .errors import DiffersError
from .pieces import Piece
from .progress import CopiedBefore, file_state

PARTITION = ".arrows"
# In memory while a file of any size is put: parts of a multipart upload, and the next.
STREAM_BYTES = 3 * PART_BYTES
STATES = {Written.NONE: "none", Written.SOME: "some", Written.ALL: "all", None: "some"}


class ToBucket:
    """Copies the data of one data source after the other from folders in `root` to `objects`."""

    def __init__(self, objects: ObjectStore, progress: CopiedBefore, root: Path) -> None:
        self.objects = objects
        self._progress = progress
        self._root = root

    def settle(self, source: DataSource) -> None:
        """Finish interrupted writes. Servers must be stopped."""
        if (array := _array(source)) is not None:
            folder = self._array_folder(source)
            settle_stages(source.node.uuid, folder, array, alone=True)

    def pieces(self, source: DataSource) -> Iterator[Piece]:
        """Yield what has changed since the last run. Raises MissingFile, StorageError, OSError."""
        if (array := _array(source)) is not None:
            yield from self._array_pieces(source, array)
            return
        for link in source.asset_links.all():
            yield from self._file_pieces(source.node.uuid, link.asset)

    def switch(self, source: DataSource) -> None:
        """Let the rows of a copied data source name the objects. Call it in a transaction."""
        node = source.node.uuid
        if (array := _array(source)) is not None:
            folder = self._array_folder(source)
            layout = reshape(read_layout(folder, array), array)
            state = read_written(folder, len(layout.chunk))
            source.chunk_grid, source.chunks_written = format_grid(layout.chunk), STATES[state]
            if source.chunks_written == "some":
                name_chunks(source.pk, list(_written(folder, layout, state)))
        source.folder = ""
        source.generation += 1
        source.save()
        for link in source.asset_links.all():
            asset, name = link.asset, node_folder(node)
            if not asset.is_directory:
                if (file := uri_name(asset.data_uri)).endswith(PARTITION):
                    _store_parts(self._root, node, asset)
                name = f"{name}/{file}"
            asset.data_uri = self.objects.address(name)
            asset.save(update_fields=["data_uri"])

    def _array_folder(self, source: DataSource) -> Path:
        return node_directory(self._root, source.node.uuid) / source.folder

    def _array_pieces(self, source: DataSource, structure: ArrayStructure) -> Iterator[Piece]:
        folder = self._array_folder(source)
        layout = reshape(read_layout(folder, structure), structure)
        prefix, inside = node_folder(source.node.uuid), whole(layout.shape)
        description = orjson.dumps(document(layout, structure))
        yield Piece(partial(self.objects.put, f"{prefix}/{NAME}", description))
        for index, path in chunk_files.existing_chunks(folder, len(layout.chunk)):
            part = shape_of(overlap(chunk_region(index, layout.chunk), inside))
            if min(part, default=1) <= 0:
                continue
            name, state = f"{prefix}/{plain_name(index)}", file_state(path)
            # What belongs to a chunk at the edge depends on the shape, too.
            known = f"{state} {part}" if state else ""
            if not known or not self._progress.is_copied(name, known):
                copy = partial(self._copy_chunk, folder, layout, index, path, name)
                size = 2 * layout.chunk_bytes
                yield Piece(copy, size, name, known)

    def _copy_chunk(
        self, folder: Path, layout: Layout, index: Index, path: Path, name: str
    ) -> None:
        covered = chunk_region(index, layout.chunk)
        part = overlap(covered, whole(layout.shape))
        chunk = chunk_files.map_chunk(folder, layout, index)
        if chunk is None:
            raise MissingFile(f"The chunk {path} does not exist.")
        if shape_of(part) != layout.chunk:
            # Bytes beyond the shape may be left of an interrupted write.
            kept, place = np.zeros(layout.chunk, layout.stored), relative(part, covered)
            kept[place] = chunk[place]
            content = bytes(chunk_content(layout.codec, kept))
        else:
            content = path.read_bytes()
        self.objects.put(name, content)
        if self.objects.get(name) != content:
            raise DiffersError(f"{self.objects.address(name)} differs from {path}.")

    def _file_pieces(self, node: UUID, asset: Asset) -> Iterator[Piece]:
        path = node_directory(self._root, node) / uri_name(asset.data_uri)
        name = f"{node_folder(node)}/{uri_name(asset.data_uri)}"
        size = asset.size if path.suffix == PARTITION else None
        try:
            state = f"{size}" if size is not None else file_state(path)
        except FileNotFoundError as error:
            raise MissingFile(f"The file {path} does not exist.") from error
        if not state or not self._progress.is_copied(name, state):
            copy = partial(self._copy_file, path, size, name)
            yield Piece(copy, min(2 * (asset.size or 0), STREAM_BYTES), name, state)

    def _copy_file(self, path: Path, size: int | None, name: str) -> None:
        try:
            sent, read = xxhash.xxh3_128(), xxhash.xxh3_128()
            self.objects.put_stream(name, _pieces(path, size, sent))
        except FileNotFoundError as error:
            raise MissingFile(f"The file {path} does not exist.") from error
        for piece in self.objects.iter_bytes(name):
            read.update(piece)
        if sent.digest() != read.digest():
            raise DiffersError(f"{self.objects.address(name)} differs from {path}.")


def _array(source: DataSource) -> ArrayStructure | None:
    structure = source.node.structure
    return structure if isinstance(structure, ArrayStructure) else None


def _written(folder: Path, layout: Layout, state: Written | None) -> Iterator[Index]:
    """Yield the chunks that were written, where not all were."""
    inside = whole(layout.shape)
    if not min(layout.shape, default=1):
        return
    if state is Written.SOME:
        for marked in written_marks.find_marked(folder, chunk_ranges(inside, layout.chunk)):
            yield tuple(int(number) for number in marked)
        return
    # A folder of an older version: chunks without a file are zeros.
    for index, _ in chunk_files.existing_chunks(folder, len(layout.chunk)):
        if min(shape_of(overlap(chunk_region(index, layout.chunk), inside)), default=1) > 0:
            yield index


def _store_parts(root: Path, node: UUID, asset: Asset) -> None:
    """Divide a partition into its schema, which is in the database, and one object with its rows.

    The object begins with the schema, too.
    """
    path, size = node_directory(root, node) / uri_name(asset.data_uri), asset.size or 0
    with path.open("rb") as file:
        # An Arrow message begins with a marker, and the length of its metadata.
        start = file.read(8)
        header = start + file.read(int.from_bytes(start[4:8], "little"))
    AssetPart.objects.create(asset=asset, start=0, size=len(header), rows=0, content=header)
    if size > len(header):
        AssetPart.objects.create(
            asset=asset,
            start=len(header),
            size=size - len(header),
            rows=tables.open_partition(path, size).count(),
            name=uri_name(asset.data_uri),
            skip=len(header),
        )


def _pieces(path: Path, size: int | None, digest: xxhash.xxh3_128) -> Iterator[bytes]:
    left = path.stat().st_size if size is None else size
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, PART_BYTES))):
            digest.update(piece)
            left -= len(piece)
            yield piece
    if left:
        raise MissingFile(f"The file {path} lacks {left} of its bytes.")
