"""Messages between a server process and a confined process.

A message is plain data (msgpack) and any number of buffers. A short one is sent through the socket.
A long one is written to shared memory and copied from there by the receiver, since the other
process may modify that memory at any time, but not the copy. The memory is reused for the next
message, which is three times as fast as allocating it; that is safe because messages of the two
sides alternate. Received data are never executed or unpickled.

| message | from | followed by |
| --- | --- | --- |
| request: operation, arguments, session, ended sessions | server | question or reply |
| question: `["ask", question]` | confined process | answer |
| answer | server | question or reply |
| reply: `["ok", …]` or `["error", …]` | confined process | request |
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgpack
import numpy as np

# Longer messages go through shared memory, of which MAX_RETAINED_BYTES are kept.
MAX_INLINE_BYTES = 48 * 1024
MAX_RETAINED_BYTES = 64 * 1024 * 1024
MAX_DESCRIPTORS = 4
ALIGNMENT = 64
SHORT, LONG = b"\0", b"\1"

Buffer = bytes | bytearray | memoryview
Content = tuple[Any, list[memoryview]]
"""Plain data and buffers."""


class InvalidMessage(Exception):
    """The received bytes are not a message."""


class Channel:
    """A socket to another process, with memory shared by both."""

    def __init__(self, connection: socket.socket, memory: int) -> None:
        self.connection = connection
        self._memory = memory

    def send(self, message: object, buffers: Sequence[Buffer] = ()) -> None:
        """Send a message.

        Raises OSError, and TypeError, ValueError or OverflowError for other than plain data.
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
        """Receive a message with writable buffers.

        Raises EOFError if the other process has ended, TimeoutError, OSError, InvalidMessage.
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
            raise InvalidMessage("The message is longer than the shared memory.")
        message, sizes = _unpack(self._read(0, head))
        *offsets, end = _offsets([head, *sizes])
        if end > size + ALIGNMENT:
            raise InvalidMessage("The buffers are longer than the shared memory.")
        buffers = [self._read(o, n) for o, n in zip(offsets[1:], sizes, strict=True)]
        if size > MAX_RETAINED_BYTES:
            os.ftruncate(self._memory, 0)
        return message, buffers

    def _read(self, offset: int, size: int) -> memoryview:
        # Like a bytearray, but without filling it with zeros first.
        target = memoryview(np.empty(size, np.uint8).data)
        done = 0
        while done < size:
            count = os.preadv(self._memory, [target[done:]], offset + done)
            if not count:
                raise InvalidMessage("The shared memory was truncated.")
            done += count
        return target


def send_descriptors(
    connection: socket.socket, message: object, descriptors: Sequence[int] = ()
) -> None:
    """Send a short message with descriptors. Raises the errors of `Channel.send`."""
    head, _ = _pack(message, ())
    socket.send_fds(connection, [SHORT, head], list(descriptors))


def receive_descriptors(connection: socket.socket) -> tuple[Any, list[int]]:
    """Receive a short message with descriptors. Raises the errors of `Channel.receive`."""
    data, descriptors, _, _ = socket.recv_fds(
        connection, MAX_INLINE_BYTES + 64, MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
    )
    if not data:
        raise EOFError("The other process has ended.")
    return _read_short(memoryview(data)[1:])[0], descriptors


def shared_memory() -> int:
    """Create shared memory for a channel; return its descriptor."""
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
        raise InvalidMessage(f"The message cannot be unpacked: {error}") from error
    # Copies are writable, and aligned for any dtype.
    return message, [memoryview(bytearray(data[start:end])) for start, end in pairwise(ends)]


def _unpack(data: memoryview) -> tuple[Any, list[int]]:
    try:
        message, sizes = msgpack.unpackb(data, unicode_errors="surrogatepass", strict_map_key=False)
        if not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise InvalidMessage("The sizes of the buffers are invalid.")
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InvalidMessage(f"The message cannot be unpacked: {error}") from error
    return message, sizes


def _offsets(sizes: Any) -> list[int]:
    """Return the aligned offsets of parts of these sizes, and the end of the last one."""
    aligned = (-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)
    return list(accumulate(aligned, initial=0))
