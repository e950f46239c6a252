"""Receive large values of Redis straight into the memory in which they stay.

The client library copies each byte five times and allocates as often, which is most of the cost of
reading a frame of several megabytes.

| state        | `_remaining` | next input                                                |
|--------------|--------------|-----------------------------------------------------------|
| between      | empty        | a line (header of the array or of a value), into scratch  |
| in a value   | not empty    | bytes of the value, into their place                      |
| done         | empty        | none: `values` is resolved                                |
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

SCRATCH_BYTES = 16384
LINE_END = b"\r\n"


async def mget_into(
    connection: AbstractConnection, keys: Sequence[str], headers: Sequence[bytes]
) -> list[bytes | None]:
    """Return the value of each of `keys` behind its header; None where there is no such key.

    The connection must not be used by others meanwhile, and has to be closed after a failure.
    Raises RedisError.
    """
    assert connection._writer is not None
    transport = connection._writer.transport
    before = transport.get_protocol()
    receiver = BulkReplyProtocol(headers, before)
    transport.set_protocol(receiver)
    try:
        await connection.send_command("MGET", *keys)
        values = await receiver.values
    finally:
        transport.set_protocol(before)
        receiver.release_buffer()
    # Not earlier: the transport releases the last buffer only after `buffer_updated` has returned,
    # and `getvalue` would copy while a view of the buffer exists.
    return [None if value is None else value.getvalue() for value in values]


class BulkReplyProtocol(asyncio.BufferedProtocol):
    """Replaces a connection's protocol while Redis answers one MGET.

    Source: the Redis serialization protocol, version 2.
    """

    def __init__(self, headers: Sequence[bytes], before: asyncio.BaseProtocol) -> None:
        self.values: asyncio.Future[list[io.BytesIO | None]]
        self.values = asyncio.get_running_loop().create_future()
        self._headers = headers
        self._before = before
        self._found: list[io.BytesIO | None] = []
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._unread = bytearray()
        self._remaining = self._scratch[:0]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory for the next bytes: the rest of a value, or the scratch buffer."""
        return self._remaining or self._scratch

    def buffer_updated(self, count: int) -> None:
        """Handle `count` bytes that were received into the buffer."""
        if self._remaining:
            self._remaining = self._remaining[count:]
        else:
            self._unread += self._scratch[:count]
        while not (self._remaining or self.values.done()) and LINE_END in self._unread:
            self._read_line()

    def release_buffer(self) -> None:
        """Release the view of the value that was received last, since it prevents closing it."""
        self._remaining = self._scratch[:0]

    def eof_received(self) -> None:
        """Fail: Redis closed the connection."""
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Fail, and pass the loss on to the connection's own protocol."""
        if not self.values.done():
            self.values.set_exception(RedisConnectionError("Connection closed by server."))
        self._before.connection_lost(error)

    def pause_writing(self) -> None:
        """Pass the call on to the connection's own protocol."""
        self._before.pause_writing()

    def resume_writing(self) -> None:
        """Pass the call on to the connection's own protocol."""
        self._before.resume_writing()

    def _read_line(self) -> None:
        line, _, rest = bytes(self._unread).partition(LINE_END)
        self._unread = bytearray(rest)
        if line.startswith(b"-"):
            self.values.set_exception(ResponseError(line[1:].decode()))
        elif line == b"$-1":
            self._found.append(None)
            self._end_value()
        elif line.startswith(b"$"):
            self._begin_value(int(line[1:]))
        elif not line:
            # The line end that follows a value.
            self._end_value()

    def _begin_value(self, size: int) -> None:
        header = self._headers[len(self._found)]
        # A BytesIO, because its memory becomes a bytes object without a copy once it is filled.
        value = io.BytesIO()
        value.write(header)
        if size:
            value.seek(size - 1, io.SEEK_CUR)
            value.write(b"\0")
        self._found.append(value)
        self._remaining = value.getbuffer()[len(header) :]
        received, self._unread = self._unread[:size], self._unread[size:]
        self._remaining[: len(received)] = received
        self._remaining = self._remaining[len(received) :]

    def _end_value(self) -> None:
        self.release_buffer()
        if len(self._found) == len(self._headers) and not self.values.done():
            self.values.set_result(self._found)
