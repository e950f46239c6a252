"""Large values of Redis, received straight into the memory that they stay in.

The client's own way copies each byte five times and takes new memory as often, which is most of
what reading a frame of several megabytes costs.
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


async def fetch(
    connection: AbstractConnection, keys: Sequence[str], heads: Sequence[bytes]
) -> list[bytes | None]:
    """The value of each of `keys` behind its head; None where there is no such key.

    Nobody else may use the connection meanwhile, and nobody at all after a failure. Raises
    RedisError.
    """
    assert connection._writer is not None
    transport = connection._writer.transport
    before = transport.get_protocol()
    receiver = Receiver(heads, before)
    transport.set_protocol(receiver)
    try:
        await connection.send_command("MGET", *keys)
        values = await receiver.values
    finally:
        transport.set_protocol(before)
    # Only now: the transport lets go of the memory after it has said that it was filled.
    return [None if value is None else value.getvalue() for value in values]


class Receiver(asyncio.BufferedProtocol):
    """Stands in for a connection's protocol while it answers one MGET.

    Source: the Redis serialization protocol, version 2.
    """

    def __init__(self, heads: Sequence[bytes], before: asyncio.BaseProtocol) -> None:
        self.values: asyncio.Future[list[io.BytesIO | None]]
        self.values = asyncio.get_running_loop().create_future()
        self._heads = heads
        self._before = before
        self._found: list[io.BytesIO | None] = []
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._unread = bytearray()
        self._room = self._scratch[:0]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where what comes next belongs: the rest of a value, or anything else."""
        return self._room or self._scratch

    def buffer_updated(self, count: int) -> None:
        """So many bytes have come there."""
        if self._room:
            self._room = self._room[count:]
        else:
            self._unread += self._scratch[:count]
        while not (self._room or self.values.done()) and LINE_END in self._unread:
            self._read_line()

    def eof_received(self) -> None:
        """Redis hung up."""
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more will come."""
        if not self.values.done():
            self.values.set_exception(RedisConnectionError("Connection closed by server."))
        self._before.connection_lost(error)

    def pause_writing(self) -> None:
        """For the protocol that this one stands in for."""
        self._before.pause_writing()

    def resume_writing(self) -> None:
        """For the protocol that this one stands in for."""
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
            # A value ends with an empty line.
            self._end_value()

    def _begin_value(self, size: int) -> None:
        head = self._heads[len(self._found)]
        # Memory that is given away as bytes without being copied, once it is filled.
        value = io.BytesIO()
        value.write(head)
        if size:
            value.seek(size - 1, io.SEEK_CUR)
            value.write(b"\0")
        self._found.append(value)
        self._room = value.getbuffer()[len(head) :]
        here, self._unread = self._unread[:size], self._unread[size:]
        self._room[: len(here)] = here
        self._room = self._room[len(here) :]

    def _end_value(self) -> None:
        if len(self._found) == len(self._heads) and not self.values.done():
            self.values.set_result(self._found)
