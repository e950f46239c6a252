"""Unpacked size of the buffers of an Arrow body, computed without unpacking (zip-bomb check).

A compressed buffer begins with its uncompressed length, and the footer of a file lists its batches,
possibly one many times. Source: the Arrow columnar format, "Serialization and Interprocess
Communication".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from core.mapped_files import BytesLike

from ..errors import Malformed

FILE_MAGIC = b"ARROW1"
CONTINUATION = 0xFFFFFFFF
# Field numbers in a Message: type of the header, header, length of the body.
HEADER_TYPE, HEADER, BODY_LENGTH = 1, 2, 3
DICTIONARY, BATCH = 2, 3
# Field numbers in a RecordBatch; in a DictionaryBatch; in a Footer.
NODES, BUFFERS, COMPRESSION = 1, 2, 3
DATA = 1
DICTIONARIES, BATCHES = 2, 3
# A Block in a footer: offset, metadata length, padding, body length.
BLOCK = struct.Struct("<qi4xq")
BUFFER = struct.Struct("<qq")
# A FieldNode in a batch: number of values, number of nulls.
NODE = struct.Struct("<qq")


def unpacked_size(body: BytesLike) -> int:
    """Return the number of bytes of all buffers of an Arrow IPC file or stream, once unpacked.

    A buffer counts as often as it is used. Raise Malformed if the body is neither.
    """
    try:
        view = memoryview(body)
        if bytes(view[: len(FILE_MAGIC)]) == FILE_MAGIC:
            return sum(_message_size(view, start)[0] for start in _blocks(view))
        return _stream_size(view)
    except (struct.error, IndexError, ValueError) as error:
        raise Malformed(
            f"The body of {len(body)} bytes is not a complete Arrow IPC file or stream: {error}"
        ) from error


def _stream_size(view: memoryview) -> int:
    total = place = 0
    while place + 8 <= len(view):
        size, place = _message_size(view, place)
        if place < 0:
            break
        total += size
    return total


def _blocks(view: memoryview) -> Iterator[int]:
    """Yield the offsets of the messages that the footer of a file lists."""
    end = len(view) - len(FILE_MAGIC) - 4
    (length,) = struct.unpack_from("<i", view, end)
    if not 0 < length <= end:
        raise ValueError("the footer is truncated")
    footer = Table.root(view[end - length : end])
    for field in (DICTIONARIES, BATCHES):
        for offset in footer.vector(field, BLOCK.size):
            start, _, _ = BLOCK.unpack_from(footer.view, offset)
            yield start


def _message_size(view: memoryview, start: int) -> tuple[int, int]:
    """Return the unpacked size of the message there, and the offset of the next, or -1."""
    if start < 0:
        raise ValueError("a message is before the start of the file")
    (length,) = struct.unpack_from("<I", view, start)
    start += 4
    if length == CONTINUATION:
        (length,) = struct.unpack_from("<I", view, start)
        start += 4
    if not length:
        return 0, -1
    message = Table.root(view[start : start + length])
    content, body = start + length, message.integer(BODY_LENGTH)
    if body < 0:
        raise ValueError("the length of a message is negative")
    header, kind = message.table(HEADER), message.octet(HEADER_TYPE)
    if kind == DICTIONARY and header is not None:
        header = header.table(DATA)
    elif kind != BATCH:
        header = None
    size = _buffers_size(header, view[content : content + body])
    _check_lengths(header, len(view), size)
    return size, content + body


def _check_lengths(batch: Table | None, packed: int, unpacked: int) -> None:
    """Raise Malformed for arrays with more values than bits in the body: nulls take no bytes."""
    if batch is None:
        return
    places = batch.vector(NODES, NODE.size)
    nodes = NODE.iter_unpack(batch.view[places.start : places.stop])
    longest = max((length for length, _ in nodes), default=0)
    if longest > 8 * (packed + unpacked):
        raise Malformed(
            f"A body of {packed} bytes ({unpacked} in unpacked buffers) cannot hold {longest} rows."
        )


def _buffers_size(batch: Table | None, body: memoryview) -> int:
    if batch is None:
        return 0
    places = batch.vector(BUFFERS, BUFFER.size)
    buffers = BUFFER.iter_unpack(batch.view[places.start : places.stop])
    if batch.place(COMPRESSION) is None:
        return sum(length for _, length in buffers)
    total = 0
    for offset, length in buffers:
        if length > 0:
            (unpacked,) = struct.unpack_from("<q", body[max(offset, 0) :])
            total += length if unpacked < 0 else unpacked
    return total


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a flatbuffer, with its fields by number."""

    view: memoryview
    start: int

    @classmethod
    def root(cls, view: memoryview) -> Table:
        """Return the root table."""
        return cls(view, struct.unpack_from("<I", view)[0])

    def place(self, field: int) -> int | None:
        """Return the offset of a field; None if it is absent."""
        back: int = struct.unpack_from("<i", self.view, self.start)[0]
        fields = self.start - back
        if fields < 0:
            raise ValueError("a table is before its message")
        (size,) = struct.unpack_from("<H", self.view, fields)
        at = 4 + 2 * field
        offset: int = struct.unpack_from("<H", self.view, fields + at)[0] if at < size else 0
        return self.start + offset if offset else None

    def octet(self, field: int) -> int:
        """Return a field of one byte; 0 if it is absent."""
        place = self.place(field)
        return 0 if place is None else self.view[place]

    def integer(self, field: int) -> int:
        """Return a field of eight bytes; 0 if it is absent."""
        place = self.place(field)
        found: int = 0 if place is None else struct.unpack_from("<q", self.view, place)[0]
        return found

    def table(self, field: int) -> Table | None:
        """Return a field that is a table; None if it is absent."""
        place = self.place(field)
        return None if place is None else Table(self.view, self._followed(place))

    def vector(self, field: int, size: int) -> range:
        """Return the offsets of the items of a vector, each of `size` bytes; none if absent."""
        place = self.place(field)
        if place is None:
            return range(0)
        start = self._followed(place)
        (count,) = struct.unpack_from("<I", self.view, start)
        if start + 4 + count * size > len(self.view):
            raise ValueError("a vector is truncated")
        return range(start + 4, start + 4 + count * size, size)

    def _followed(self, place: int) -> int:
        offset: int = struct.unpack_from("<I", self.view, place)[0]
        return place + offset
