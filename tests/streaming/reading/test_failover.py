"""Restart and failover of Redis, under live subscribers."""

from __future__ import annotations

import asyncio
import subprocess
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from streaming.config import StreamingCacheSettings
from streaming.protocol.notices import Feature, Reset
from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.reading.reader import StreamReader
from streaming.redis.clients import writer_client
from streaming.redis.embedded_valkey import find_binary
from streaming.writing.log import StreamLog
from tools.backends.ports import free_port

from ..conftest import given, numbers, received

TOLD = SubscriptionOptions(features=frozenset({Feature.gap, Feature.reset}))


@contextmanager
def valkey(path: Path, *options: str) -> Iterator[redis.Redis]:
    """Start a Valkey that listens on a socket at `path`."""
    command = [str(find_binary()), "--port", "0", "--unixsocket", str(path), "--save", "", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=path.parent)
    client = redis.Redis(unix_socket_path=str(path))
    try:
        deadline = time.monotonic() + 20
        while not path.exists():
            assert process.poll() is None, f"Valkey ended with {process.returncode}."
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client.ping()
        yield client
    finally:
        client.close()
        process.kill()
        process.wait()


class Address:
    """A proxy to one of several servers, like a DNS name that is changed."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self.target = target
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._forward, self.path)

    def move(self, target: Path) -> None:
        """Connect to another server from now on, and close all connections."""
        self.target = target
        for writer in self._open:
            writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self.target)
        self._open |= {writer, there_writer}
        with suppress(OSError):
            await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))
        self._open -= {writer, there_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.transport.abort()


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[Address]:
    address = Address(tmp_path / "a.sock", tmp_path / "1.sock")
    server = await address.serve()
    yield address
    address.move(tmp_path / "none")
    server.close()
    # What was cut off ends by itself.
    await asyncio.sleep(0.05)


def cache(path: Path) -> StreamingCacheSettings:
    return StreamingCacheSettings(uri=f"unix://{path}", heartbeat=0.5, timeout=2.0)


async def write(log: StreamLog, node: uuid.UUID, count: int) -> str | None:
    tips = [await asyncio.to_thread(log.append, node, *numbers(1)) for _ in range(count)]
    return tips[-1].epoch


def wait_for_copy(replica: redis.Redis, meta: str) -> None:
    """Return when three updates have arrived there."""
    deadline = time.monotonic() + 20
    while replica.hget(meta, "seq") != b"3":
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_all_subscribers_go_on_after_redis_was_restarted_empty(tmp_path: Path) -> None:
    settings, node = cache(tmp_path / "1.sock"), uuid.uuid4()
    with valkey(tmp_path / "1.sock"):
        log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
        live = await reader.subscribe(node, TOLD)
        epoch = await write(log, node, 3)
        assert await received(live, 3) == [1, 2, 3]
    with valkey(tmp_path / "1.sock"):
        assert await asyncio.wait_for(given(live, 1), 5) == [Reset(None, epoch, 0)]
        await write(log, node, 2)
        assert await received(live, 2) == [1, 2]
        await reader.stop()


@pytest.mark.parametrize(("lost", "regained"), [(0, 1), (2, 0), (2, 1), (2, 2), (2, 3)])
async def test_a_failover_to_a_replica_that_lacks_entries_is_noticed(
    tmp_path: Path, address: Address, lost: int, regained: int
) -> None:
    settings, node = cache(address.path), uuid.uuid4()
    port = free_port()
    with (
        valkey(tmp_path / "1.sock", "--port", str(port), "--repl-diskless-sync-delay", "0"),
        valkey(tmp_path / "2.sock", "--replicaof", f"127.0.0.1 {port}") as second,
    ):
        log, reader = StreamLog(writer_client(settings), settings), StreamReader(settings)
        live = await reader.subscribe(node, TOLD)
        epoch = await write(log, node, 3)
        await asyncio.to_thread(wait_for_copy, second, live.hub.keys.meta)
        second.replicaof("no", "one")
        if lost:
            await write(log, node, lost)
        assert await received(live, 3 + lost) == list(range(1, 4 + lost))
        address.move(tmp_path / "2.sock")
        # Written without a look of the reader, which has to find its way first.
        direct = settings.model_copy(update={"uri": f"unix://{tmp_path / '2.sock'}"})
        for _ in range(regained):
            StreamLog(second, direct).append(node, *numbers(1))
        if lost:
            reset, *updates = await given(live, 1 + 3 + regained)
            assert reset == Reset(epoch, epoch, reset.sequence)
            sequences = [update.position.sequence for update in updates]
            assert sequences == list(range(1, 4 + regained))
        elif regained:
            assert await received(live, regained) == list(range(4, 4 + regained))
        StreamLog(second, direct).append(node, *numbers(1))
        assert await received(live, 1) == [4 + regained]
        await reader.stop()
