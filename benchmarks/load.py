"""Writers and subscribers that cost little, so that it is the server that is measured."""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, cast

import uvloop

from .peers import KEY, Peer

HEAD_BYTES = 256
SEQUENCE = b"\xa8sequence"
OPENING = 16


class Writer:
    """One kept connection that sends a request and waits for the answer."""

    def __init__(self, peer: Peer | int) -> None:
        port = peer if isinstance(peer, int) else peer.port
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(
        self, method: str, target: str, body: bytes, media_type: str, extra: str = ""
    ) -> bytes:
        """Return the body of the response. Raises RuntimeError unless the request succeeded.

        `extra` are lines for the head, each with its end.
        """
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Apikey {KEY}\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        ).encode()
        if len(body) < 65536:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)
        return self._answer()

    def post_json(self, target: str, value: Any) -> Any:
        """Return the response to `value`, both as JSON."""
        return json.loads(self.send("POST", target, json.dumps(value).encode(), "application/json"))

    def get(self, target: str, accept: str, encoding: str = "identity") -> bytes:
        """Return the body of the response, unchanged. Raises RuntimeError as `send` does."""
        extra = f"Accept: {accept}\r\nAccept-Encoding: {encoding}\r\n"
        return self.send("GET", target, b"", "application/json", extra)

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def _answer(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        parts, got = [body], len(body)
        while got < length:
            parts.append(self._receive())
            got += len(parts[-1])
        status = int(head[9:12])
        if status >= 300:
            raise RuntimeError(f"{status}: {b''.join(parts)[:300]!r}")
        return b"".join(parts)

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise RuntimeError("The server disconnected.")
        return data


def write_from(
    peer: Peer, connections: int, count: int, request: Callable[[int], tuple[str, str, bytes, str]]
) -> list[float]:
    """Send `count` requests over so many connections; how long each took, in seconds."""
    numbers, taken = iter(range(count)), [0.0] * count

    def work(writer: Writer) -> None:
        # A step of this iterator cannot be interrupted by another thread.
        for number in numbers:
            begun = time.perf_counter()
            writer.send(*request(number))
            taken[number] = time.perf_counter() - begun

    writers = [Writer(peer) for _ in range(connections)]
    with ThreadPoolExecutor(connections) as threads:
        list(threads.map(work, writers))
    for writer in writers:
        writer.close()
    return taken


@dataclass
class Heard:
    """What all subscribers of one process heard together. Times are those of `perf_counter`."""

    messages: int = 0
    bytes: int = 0
    begun: float = 0.0
    """When the first attempt to connect was made."""
    opened: float = 0.0
    """Seconds from then until the last schema had come."""
    last: float = 0.0
    """When the last message came."""
    sequences: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    """From the moment that a payload begins with, of the first subscriber."""


class Follower(asyncio.Protocol):
    """A subscriber that looks at frame headers and at the beginnings and ends of frames only."""

    def __init__(self, target: str, heard: Heard, on_news: Callable[[], None], keep: int) -> None:
        self.schema: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._target, self._heard, self._on_news, self._keep = target, heard, on_news, keep
        self._upgraded = False
        self._buffer = bytearray()
        self._left = 0
        self._opcode = 0
        self._head = b""
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET {self._target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Apikey {KEY}\r\n\r\n".encode()
        )

    def connection_lost(self, _: Exception | None) -> None:
        """No schema will come any more."""
        if not self.schema.done():
            self.schema.set_exception(RuntimeError("The server disconnected."))

    def data_received(self, data: bytes) -> None:
        """Parse the response to the handshake, then frames."""
        if not self._upgraded:
            self._buffer += data
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in self._buffer[:20]:
                self.transport.abort()
                return
            data, self._upgraded = bytes(self._buffer[end + 4 :]), True
            self._buffer.clear()
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        self._frames(data)

    def _frames(self, data: bytes) -> None:
        place, size = 0, len(data)
        while place < size:
            if not self._left:
                begun = self._begin(data, place)
                if not begun:
                    self._buffer += data[place:]
                    return
                place += begun
            here = min(self._left, size - place)
            if self._keep:
                self._tail = (self._tail + data[place : place + here])[-self._keep :]
            if len(self._head) < HEAD_BYTES:
                self._head += data[place : place + min(here, HEAD_BYTES)]
            place += here
            self._left -= here
            if not self._left:
                self._whole()

    def _begin(self, data: bytes, place: int) -> int:
        """Read a frame's header; its length, or 0 if not all of it is here."""
        head = data[place : place + 10]
        if len(head) < 2 or len(head) < (length := {126: 4, 127: 10}.get(head[1], 2)):
            return 0
        self._left = int.from_bytes(head[2:length]) if length > 2 else head[1]
        self._heard.bytes += self._left
        self._opcode, self._head, self._tail = head[0] & 15, b"", b""
        return length

    def _whole(self) -> None:
        if self._opcode == 9:
            self.transport.write(struct.pack(">BBI", 0x8A, 0x80 | len(self._head), 0) + self._head)
        elif self._opcode == 8:
            self.transport.close()
        elif not self.schema.done():
            self.schema.set_result(None)
        else:
            self._update()

    def _update(self) -> None:
        heard, place = self._heard, self._head.find(SEQUENCE)
        if place < 0:
            return
        heard.messages += 1
        if self._keep:
            heard.sequences.append(_integer(self._head, place + len(SEQUENCE)))
            sent = struct.unpack_from("<d", self._tail)[0]
            heard.delays.append(time.perf_counter() - sent)
        self._on_news()


def _integer(data: bytes, place: int) -> int:
    kind = data[place]
    size = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}.get(kind)
    return kind if size is None else int.from_bytes(data[place + 1 : place + 1 + size])


@dataclass
class Followers:
    """Subscribers in a separate process."""

    process: Any
    pipe: Connection
    opened: float

    def heard(self, timeout: float = 120.0) -> Heard:
        """Return what they received, once it is complete or nothing more comes."""
        if not self.pipe.poll(timeout):
            raise RuntimeError("The subscribers do not answer.")
        heard: Heard = self.pipe.recv()
        return heard


@contextmanager
def following(
    peer: Peer,
    paths: Sequence[str],
    expected: int,
    *,
    start: int | None = None,
    keep: int = 0,
    patience: float = 5.0,
    queries: Sequence[str] = (),
) -> Iterator[Followers]:
    """Run a subscriber for each of `paths`, until `expected` messages in all.

    Or after `patience` seconds without any. With `keep`, the size of the payloads, sequences and
    delays are kept. Subscribed when the context is entered. Each of `queries` is a further
    parameter of the subscriber of the path at its place.
    """
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    query = "?envelope_format=msgpack" + ("" if start is None else f"&start={start}")
    more = [f"&{one}" for one in queries] or [""] * len(paths)
    targets = [
        f"/api/v1/stream/single/{path}{query}{one}" for path, one in zip(paths, more, strict=True)
    ]
    process = context.Process(
        target=_follow, args=(peer.port, targets, expected, keep, patience, there)
    )
    process.start()
    there.close()
    try:
        yield Followers(process, here, here.recv())
    finally:
        process.kill()
        process.join()
        here.close()


def _follow(
    port: int, targets: list[str], expected: int, keep: int, patience: float, pipe: Connection
) -> None:
    uvloop.run(_following(port, targets, expected, keep, patience, pipe))


async def _following(
    port: int, targets: list[str], expected: int, keep: int, patience: float, pipe: Connection
) -> None:
    heard, news = Heard(), asyncio.Event()

    def on_news() -> None:
        heard.last = time.perf_counter()
        if heard.messages >= expected:
            news.set()

    heard.begun = time.perf_counter()
    followers = await _open(port, targets, heard, on_news, keep)
    heard.opened = time.perf_counter() - heard.begun
    pipe.send(heard.opened)
    before = -1
    while not news.is_set() and heard.messages != before:
        before = heard.messages
        try:
            await asyncio.wait_for(news.wait(), patience)
        except TimeoutError:
            continue
    pipe.send(heard)
    for follower in followers:
        follower.transport.abort()


async def _open(
    port: int, targets: list[str], heard: Heard, on_news: Callable[[], None], keep: int
) -> list[Follower]:
    loop, turns = asyncio.get_running_loop(), asyncio.Semaphore(OPENING)

    async def open_one(target: str) -> Follower:
        async with turns:
            _, follower = await loop.create_connection(
                lambda: Follower(target, heard, on_news, keep), "127.0.0.1", port
            )
            await follower.schema
            return follower

    return list(await asyncio.gather(*map(open_one, targets)))
