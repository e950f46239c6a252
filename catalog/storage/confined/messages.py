"""Messages between a process of the server and one that reads files for it.

A message is plain data (msgpack) and any number of buffers. A short one is sent as it is; a long
one is written to memory that both processes have, and copied from there: the other process may do
anything to that memory, but not to the copy. The memory is used again for the next message, which
is three times as fast as new memory; request and answer take turns. Nothing that is received is
executed or unpickled.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgpack
import numpy as np

# What is longer than this goes through shared memory, of which so much is kept.
MAX_INLINE_BYTES = 48 * 1024
MAX_RETAINED_BYTES = 64 * 1024 * 1024
MAX_DESCRIPTORS = 4
ALIGNMENT = 64
SHORT, LONG = b"\0", b"\1"

Buffer = bytes | bytearray | memoryview
Content = tuple[Any, list[memoryview]]
"""Plain data, and buffers."""


class InvalidMessage(Exception):
    """What was received is no message."""


class Channel:
    """A connection to another process, with the memory that both have."""

    def __init__(self, connection: socket.socket, memory: int) -> None:
        self.connection = connection
        self._memory = memory

    def send(self, message: object, buffers: Sequence[Buffer] = ()) -> None:
        """Send a message.

        Raises OSError, and TypeError, ValueError or OverflowError for what is no plain data.
        """
        head, views = _pack(message, buffers)
        if len(head) + sum(map(len, views)) <= MAX_INLINE_BYTES:
            self.connection.sendmsg([SHORT, head, *views])
            return
        parts = [memoryview(head), *views]
        for part, offset in zip(parts, _offsets(map(len, parts)), strict=False):
            self._write(part, offset)
        self.connection.send(LONG + len(head).to_bytes(8, "little"))

    def receive(self) -> Content:
        """Receive a message, whose buffers may be written to.

        Raises EOFError where the other side is gone, TimeoutError, OSError, BadFrame.
        """
        data = self.connection.recv(MAX_INLINE_BYTES + 64)
        if not data:
            raise EOFError("The other process has ended.")
        if data[:1] == SHORT:
            return _read_short(memoryview(data)[1:])
        return self._long(int.from_bytes(data[1:9], "little"))

    def close(self) -> None:
        """Close it."""
        self.connection.close()
        os.close(self._memory)

    def _write(self, data: memoryview, offset: int) -> None:
        while data:
            written = os.pwrite(self._memory, data, offset)
            data, offset = data[written:], offset + written

    def _long(self, head: int) -> Content:
        size = os.fstat(self._memory).st_size
        if head > size:
            raise InvalidMessage("It is longer than the memory.")
        message, sizes = _unpack(self._read(0, head))
        *offsets, end = _offsets([head, *sizes])
        if end > size + ALIGNMENT:
            raise InvalidMessage("Its buffers are longer than the memory.")
        buffers = [self._read(o, n) for o, n in zip(offsets[1:], sizes, strict=True)]
        if size > MAX_RETAINED_BYTES:
            os.ftruncate(self._memory, 0)
        return message, buffers

    def _read(self, offset: int, size: int) -> memoryview:
        # As a bytearray, but not filled with zeros first.
        target = memoryview(np.empty(size, np.uint8).data)
        done = 0
        while done < size:
            count = os.preadv(self._memory, [target[done:]], offset + done)
            if not count:
                raise InvalidMessage("The memory was cut off.")
            done += count
        return target


def send_descriptors(
    connection: socket.socket, message: object, descriptors: Sequence[int] = ()
) -> None:
    """Send a short message, and descriptors with it. Raises as `Channel.send`."""
    head, _ = _pack(message, ())
    socket.send_fds(connection, [SHORT, head], list(descriptors))


def receive_descriptors(connection: socket.socket) -> tuple[Any, list[int]]:
    """Receive a short message and its descriptors. Raises as `Channel.receive`."""
    data, descriptors, _, _ = socket.recv_fds(
        connection, MAX_INLINE_BYTES + 64, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
    )
    if not data:
        raise EOFError("The other process has ended.")
    return _read_short(memoryview(data)[1:])[0], descriptors


def shared_memory() -> int:
    """Return the descriptor of new memory for a channel."""
    return os.memfd_create("messages", os.MFD_CLOEXEC)


def _pack(message: object, buffers: Sequence[Buffer]) -> tuple[bytes, list[memoryview]]:
    views = [memoryview(buffer).cast("B") for buffer in buffers]
    head = msgpack.packb((message, [len(view) for view in views]), unicode_errors="surrogatepass")
    return head, views


def _read_short(data: memoryview) -> Content:
    unpacker = msgpack.Unpacker(unicode_errors="surrogatepass", strict_map_key=False)
    unpacker.feed(data)
    try:
        message, sizes = unpacker.unpack()
        ends = list(accumulate(sizes, initial=unpacker.tell()))
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InvalidMessage(f"It cannot be unpacked: {error}") from error
    # Copies: they may be written to, and begin where a value of any kind may.
    return message, [memoryview(bytearray(data[start:end])) for start, end in pairwise(ends)]


def _unpack(data: memoryview) -> tuple[Any, list[int]]:
    try:
        message, sizes = msgpack.unpackb(data, unicode_errors="surrogatepass", strict_map_key=False)
        if not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise InvalidMessage("Its buffers have no sizes.")
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InvalidMessage(f"It cannot be unpacked: {error}") from error
    return message, sizes


def _offsets(sizes: Any) -> list[int]:
    """Where parts of these sizes begin, each of them aligned, and where the last one ends."""
    aligned = (-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)
    return list(accumulate(aligned, initial=0))
