"""The parts of a partition: put them, and read them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ....models import AssetPart
from ....storage.errors import MissingFile
from ....storage.objects.client import ObjectStore
from ....storage.tables import Messages, PartitionReader, Segment
from ..bucket.names import node_folder
from ..site_bucket import object_store
from .interface import StoredFile
from .part_rows import Part

# Larger writes are divided into objects of at least this size.
OBJECT_BYTES = 16 << 20


def store_rows(
    key: str, header: bytes, messages: Iterable[Messages], *, start: int, min_object: int
) -> list[AssetPart]:
    """Put rows as objects beside `key`; return the parts, from byte `start` of the partition on.

    The last part is a tail if it has fewer bytes than `min_object`.
    """
    parts: list[AssetPart] = []
    for group in _groups(messages):
        part = AssetPart(start=start, size=group.size, rows=group.rows)
        if group.size < min_object:
            part.content = b"".join(group.data)
        else:
            part.name, part.skip = put_rows(key, header, group.data), len(header)
        start += group.size
        parts.append(part)
    return parts


def put_rows(key: str, header: bytes, data: Sequence[bytes | memoryview]) -> str:
    """Put an object of rows beside `key`, as a separate stream; return its name in that folder."""
    folder, _, name = key.rpartition("/")
    stem = name.rpartition("-")[0]
    fresh = f"{stem}-{secrets.token_hex(8)}.arrows"
    object_store().put(f"{folder}/{fresh}", b"".join([header, *data]), file_name=name)
    return fresh


@dataclass(slots=True)
class _Group:
    """Messages that belong to one part."""

    data: list[memoryview] = field(default_factory=list)
    size: int = 0
    rows: int = 0

    def add(self, messages: Messages) -> None:
        self.data.append(messages.data)
        self.size += len(messages.data)
        self.rows += messages.rows


def _groups(messages: Iterable[Messages]) -> Iterator[_Group]:
    group = _Group()
    for each in messages:
        group.add(each)
        if group.size >= OBJECT_BYTES:
            yield group
            group = _Group()
    if group.size:
        yield group


def reader(file: StoredFile, parts: Sequence[Part]) -> PartitionReader:
    """Return a reader of the parts of a partition. Raises MissingFile if there are none."""
    if not parts:
        raise MissingFile(f"The partition {file.data_uri} does not exist.")
    header, prefix, store = parts[0].content, node_folder(file.node), object_store()
    segments: list[Segment] = []
    for in_object, some in groupby(parts[1:], lambda part: bool(part.name)):
        if in_object:
            segments += [ObjectSegment(store, f"{prefix}/{p.name}", p.rows, header) for p in some]
        else:
            segments.append(tail(file, header, list(some)))
    return PartitionReader(segments or [tail(file, header, [])])


def tail(file: StoredFile, header: bytes, parts: Sequence[Part]) -> TailSegment:
    """Return the segment of parts that are in the database."""
    rows = sum(part.rows for part in parts)
    return TailSegment(file.data_uri, rows, header, [part.content for part in parts])


@dataclass(frozen=True, slots=True)
class ObjectSegment:
    """Rows in an object."""

    store: ObjectStore
    name: str
    rows: int
    schema: bytes
    remote: bool = True

    def header(self) -> memoryview:
        """Return the schema."""
        return memoryview(self.schema)

    def load(self) -> memoryview:
        """Get the object. Raises MissingFile."""
        return self.store.get(self.name)


@dataclass(frozen=True, slots=True)
class TailSegment:
    """Rows in the database."""

    name: str
    rows: int
    schema: bytes
    contents: Sequence[bytes]
    remote: bool = False

    def header(self) -> memoryview:
        """Return the schema."""
        return memoryview(self.schema)

    def load(self) -> memoryview:
        """Join the rows."""
        return memoryview(b"".join([self.schema, *self.contents]))
