"""The objects of an array as the files of a Zarr folder: the current one of each chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson

from tiled_client.wire.structures import ArrayStructure

from ....models import DataSource
from ....storage.chunk_objects import parse_plain_name, plain_name
from ....storage.encoding import Encoding
from ....storage.errors import MissingFile
from ....storage.layout import NAME, document, plan
from ....storage.objects.client import ObjectStore
from ....storage.regions import chunks_of, whole
from ..files.object_downloads import WholeDownload
from .chunk_rows import ChunkState, read_state
from .names import node_folder


@dataclass(frozen=True, slots=True)
class ContentDownload:
    """A small file that is made when it is opened."""

    content: bytes
    time: datetime

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.content)

    @property
    def modified(self) -> int:
        """The time of the latest change, in nanoseconds."""
        return int(self.time.timestamp() * 1_000_000) * 1000

    @property
    def tag(self) -> str:
        """A digest of the content."""
        return hashlib.blake2b(self.content, digest_size=16).hexdigest()

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """Yield `length` bytes from `start` on."""
        yield self.content[start : start + length]

    def close(self) -> None:
        """Do nothing."""


def list_names(source: DataSource) -> list[str]:
    """Return the relative paths of the files that a Zarr folder of the array would have."""
    structure, state = _array(source)
    shape = _stored_shape(structure)
    current = state.names_within(shape)
    chunks = chunks_of(whole(shape), state.chunk)
    return sorted([NAME, *(plain_name(index) for index in chunks if current(index) is not None)])


def open_name(
    objects: ObjectStore, source: DataSource, name: str
) -> WholeDownload | ContentDownload:
    """Open one of these files. Raises MissingFile."""
    if name == NAME:
        structure, state = _array(source)
        content = orjson.dumps(document(plan(structure, chunk=state.chunk), structure))
        return ContentDownload(content, source.node.time_updated)
    index = parse_plain_name(name)
    structure, state = _array(source)
    if index is None or len(index) != len(state.chunk):
        raise MissingFile(f"{name!r} does not exist.")
    current = state.names_within(_stored_shape(structure))(index)
    if current is None:
        raise MissingFile(f"{name!r} does not exist.")
    return WholeDownload(objects, objects.head(f"{node_folder(source.node.uuid)}/{current}"))


def _array(source: DataSource) -> tuple[ArrayStructure, ChunkState]:
    structure, state = source.node.structure, read_state(source.pk)
    if state is None or not isinstance(structure, ArrayStructure):
        raise MissingFile(f"The array {source.node} is not in this bucket.")
    return structure, state


def _stored_shape(structure: ArrayStructure) -> tuple[int, ...]:
    return structure.shape + Encoding.of(structure.dtype).inner
