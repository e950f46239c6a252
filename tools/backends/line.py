"""A TCP proxy that can be slow, in a separate process that is controlled by its input.

`python -m tools.backends.line PORT HOST:PORT` reads lines: `delay SECONDS` delays the data of both
directions, `stall` holds them back until the next line, and `cut` ends all connections and refuses
new ones.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .ports import free_port

PIECE = 1 << 16
# Pieces that one direction of a connection holds at most.
PIECES = 256
PROJECT = Path(__file__).resolve().parents[2]


class Line:
    """The proxy before `target`, an address `host:port`."""

    def __init__(self, target: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "tools.backends.line", str(self.port), target]
        self._process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()  # it listens

    def delay(self, seconds: float) -> None:
        """Delay each piece of data in both directions."""
        self._tell(f"delay {seconds}")

    def stall(self) -> None:
        """Hold back all data until another mode is chosen."""
        self._tell("stall")

    def cut(self) -> None:
        """End all connections, and refuse others."""
        self._tell("cut")

    def close(self) -> None:
        """End the proxy."""
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


@contextmanager
def own_line(target: str) -> Iterator[Line]:
    """Run the proxy, and end it afterwards."""
    line = Line(target)
    try:
        yield line
    finally:
        line.close()


@dataclass
class _Proxy:
    """What the process does: `open_` is not set while data are stalled."""

    host: str
    port: int
    delay: float = 0.0
    refuses: bool = False
    open_: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, port: int) -> None:
        self.open_.set()
        await asyncio.start_server(self._take, "127.0.0.1", port, backlog=1024)
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            self._obey(line.split())

    def _obey(self, words: list[str]) -> None:
        self.refuses = words[0] == "cut"
        if words[0] == "stall":
            self.open_.clear()
        else:
            self.open_.set()
        if words[0] == "delay":
            self.delay = float(words[1])
        elif words[0] == "cut":
            for writer in self.writers:
                writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            onward, back = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, back}
        await asyncio.gather(self._carry(reader, back), self._carry(onward, writer))
        self.writers -= {writer, back}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES)
        sending = asyncio.create_task(self._send(pieces, writer))
        clock = asyncio.get_running_loop().time
        with suppress(OSError):
            while data := await reader.read(PIECE):
                await pieces.put((clock() + self.delay, data))
        await pieces.put((clock() + self.delay, b""))
        await sending

    async def _send(
        self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await pieces.get()
            if (left := due - clock()) > 0:
                await asyncio.sleep(left)
            await self.open_.wait()
            if not data:
                break
            # The rest is read and dropped when the other side is gone.
            with suppress(OSError):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()


def main() -> None:
    """Run the proxy until the input ends."""
    host, _, port = sys.argv[2].rpartition(":")
    asyncio.run(_Proxy(host, int(port)).serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
