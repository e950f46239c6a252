"""The servers that are measured side by side, each with its own Valkey.

Each runs in one worker process: ours under `serve`, Tiled 0.2.20 under uvicorn, and the bare server
(`benchmarks.bare`), which shows what the machine can do with the same payloads.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from streaming.redis.embedded_valkey import find_binary
from tools.backends.ports import free_port
from tools.backends.tiled_reference import reference_environment, reference_python
from tools.faults.server import API_KEY as KEY

PROJECT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 120.0


@dataclass(frozen=True)
class Peer:
    """A server that runs: `port` on loopback, and the process that was started."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of processor time that all its processes have taken until now."""
        root = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
        return sum(time.user + time.system for time in times)

    def memory(self) -> int:
        """Bytes that all its processes hold."""
        root = psutil.Process(self.process.pid)
        return sum(one.memory_info().rss for one in (root, *root.children(recursive=True)))


@contextmanager
def valkey(folder: Path, memory: int = 6_000_000_000) -> Iterator[str]:
    """Run a Valkey on a TCP port for one server; yield its address."""
    port = free_port()
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "dir": str(folder)}
    options |= {"maxmemory": str(memory), "maxmemory-policy": "volatile-ttl"}
    command = [str(find_binary())]
    command += [word for name, value in options.items() for word in (f"--{name}", value)]
    with _process(command, folder / "valkey.log", folder, dict(os.environ)):
        _wait_for_port(port)
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def ours(
    folder: Path,
    workers: int = 1,
    database: str = "",
    project: Path = PROJECT,
    name: str = "ours",
    **more: str,
) -> Iterator[Peer]:
    """`manage.py serve` with one worker, or more, and defaults; on SQLite, or `database`.

    `project` may be another checkout, with which this one is compared under another `name`. `more`
    are settings.
    """
    port = free_port()
    command = [sys.executable, "manage.py", "serve"]
    command += ["--workers", str(workers), "--port", str(port)]
    with valkey(folder) as cache:
        # A checkout of the version before knows the folder under its old name only.
        data_dir = "DATA_DIR" if project == PROJECT else "DATA_FOLDER"
        settings = {
            f"TILED_SERVER_{data_dir}": str(folder),
            # Each checkout has its own client, of which the server needs the wire format.
            "PYTHONPATH": str(project / "client"),
            "TILED_SINGLE_USER_API_KEY": KEY,
            "TILED_STREAMING_CACHE_URI": cache,
            "TILED_DATABASE_URI": database,
            **more,
        }
        environment = {**reference_environment(), **settings}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        with _process(command, folder / "server.log", project, environment) as process:
            yield _answering(Peer(name, port, process))


@contextmanager
def tiled(folder: Path) -> Iterator[Peer]:
    """Run the reference, with a temporary catalog.

    Beyond 100 connections, one for each subscriber, its writes would fail: it is given more.
    """
    port = free_port()
    with valkey(folder) as address:
        cache = f"{address}?max_connections=1000"
        command = [str(reference_python()), "-m", "tiled", "serve", "catalog", "--temp"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--api-key", KEY, "--cache", cache]
        with _process(command, folder / "server.log", folder, reference_environment()) as process:
            yield _answering(Peer("tiled", port, process))


@contextmanager
def bare(folder: Path) -> Iterator[Peer]:
    """Run the fastest possible server: no framework, no checks, no database."""
    port = free_port()
    with valkey(folder) as cache:
        command = [sys.executable, "-m", "benchmarks.bare", str(port), cache]
        with _process(command, folder / "server.log", PROJECT, dict(os.environ)) as process:
            yield _answering(Peer("bare", port, process))


@contextmanager
def _process(
    command: list[str], log: Path, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answering(peer: Peer) -> Peer:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and peer.process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}/healthz", timeout=5):
                return peer
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server {peer.name} did not start; see its server.log.")


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"Nothing listens on port {port}.")
