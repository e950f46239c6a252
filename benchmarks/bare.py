"""The machine's limit: a server that does nothing but pass payloads through Redis to WebSockets.

`python -m benchmarks.bare PORT REDIS`. A PUT is added to a Redis stream and then sent, as one ready
frame, to all connected clients; any other request is answered at once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
from typing import cast

import redis.asyncio
import uvloop

from .load import SEQUENCE

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: application/json\r\n\r\nnull"


class Bare:
    """What all connections share."""

    def __init__(self, uri: str) -> None:
        self.redis = redis.asyncio.Redis.from_url(uri, max_connections=64, protocol=2)
        self.watching: set[asyncio.Transport] = set()
        self.number = 0

    async def put(self, transport: asyncio.Transport, body: bytes) -> None:
        """Keep it, pass it on, and answer."""
        self.number += 1
        message = SEQUENCE + b"\xce" + self.number.to_bytes(4) + body
        await self.redis.execute_command("XADD", "log", "MAXLEN", "~", "100", "*", "frame", message)
        frame = b"\x82\x7f" + len(message).to_bytes(8) + message
        for watching in self.watching:
            watching.write(frame)
        transport.write(OK)


class Connection(asyncio.Protocol):
    """One connection: HTTP with a length, or a WebSocket that is only written to."""

    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._parts: list[bytes] = []
        self._wanted = 0
        self._got = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a connection."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        """They are gone."""
        self._bare.watching.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        """Handle a request, or a part of one."""
        if self._parts:
            self._parts.append(data)
            self._got += len(data)
        else:
            self._begin(data)
        if self._parts and self._got >= self._wanted:
            whole, self._parts = b"".join(self._parts), []
            self._task = asyncio.create_task(
                self._bare.put(self.transport, whole.partition(b"\r\n\r\n")[2])
            )

    def _begin(self, data: bytes) -> None:
        head, _, _ = data.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"upgrade: websocket" in lower:
            self._upgrade(head)
        elif head.startswith(b"PUT"):
            length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0])
            self._parts, self._wanted, self._got = [data], len(head) + 4 + length, len(data)
        else:
            self.transport.write(OK)

    def _upgrade(self, head: bytes) -> None:
        key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x82\x01\x80"
        )
        self._bare.watching.add(self.transport)


async def serve(port: int, uri: str) -> None:
    """Serve until ended."""
    bare = Bare(uri)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(bare), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))
