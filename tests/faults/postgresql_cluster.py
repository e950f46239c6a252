"""A PostgreSQL of its own for a test that ends its sessions, or drops what it answers."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
# PostgreSQL does not run as root.
USER = "postgres" if os.getuid() == 0 else None


class Cluster:
    """A running cluster with one database."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._admin = psycopg.connect(self.uri(), autocommit=True)

    def uri(self, port: int | None = None) -> str:
        """Return the address of the database, through a proxy at `port`, if it is given."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/postgres"

    def ask(self, query: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        return self._admin.execute(query, values).fetchall()

    def end_sessions(self, where: str = "true", *values: Any) -> int:
        """End the sessions of others that `where` describes; return how many there were."""
        found = self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND {where}",
            *values,
        )
        return len(found)

    def close(self) -> None:
        """Close the connection of the test."""
        self._admin.close()


@contextlib.contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A new cluster, gone at the end; the test is skipped where there is no PostgreSQL."""
    if not BINARIES:
        pytest.skip("No PostgreSQL server is installed (/usr/lib/postgresql/*/bin).")
    binaries, port = BINARIES[-1].parent, _free_port()
    folder = Path(tempfile.mkdtemp(prefix="tiled-pg-"))
    if USER:
        shutil.chown(folder, USER)
    data = str(folder / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-s"]
    try:
        _run([str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-N"], folder)
        _run([*control, "-o", options, "-l", str(folder / "log"), "start"], folder)
        cluster = Cluster(port)
        try:
            yield cluster
        finally:
            cluster.close()
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(
        command, cwd=folder, user=USER, check=True, stdout=subprocess.DEVNULL, timeout=120
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Proxy:
    """Passes connections on to PostgreSQL; drops the answer of a COMMIT when told to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._armed = threading.Event()
        self._away = threading.Event()
        self.dropped = 0
        self._then_away = False
        self._when: threading.Event | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_next_answer(
        self, *, then_away: bool = False, when: threading.Event | None = None
    ) -> None:
        """Pass the next COMMIT on and drop its answer, `when` that is set.

        With `then_away`, refuse connections from then on.
        """
        self._then_away, self._when = then_away, when
        self._armed.set()

    def come_back(self) -> None:
        """Take connections again."""
        self._away.clear()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._away.is_set():
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                dropping = threading.Event()
                for way in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._carry, args=(*way, dropping), daemon=True).start()

    def _go_away(self) -> None:
        self._away.set()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open = []

    def _carry(
        self, source: socket.socket, target: socket.socket, up: bool, dropping: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if up and self._armed.is_set() and b"COMMIT\0" in data:
                    self._armed.clear()
                    dropping.set()
                    target.sendall(data)
                    continue
                if not up and dropping.is_set():
                    # What was asked has been done, and nobody hears of it.
                    self.dropped += 1
                    if self._when is not None:
                        self._when.wait(60)
                    if self._then_away:
                        self._go_away()
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()
