"""HAProxy in front of several servers, with the example of `deploy/haproxy` without TLS."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests

from .ports import free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "haproxy" / "haproxy.cfg"
# Debian has it in a folder that not every PATH names.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
START_TIMEOUT = 20.0


class Balancer:
    """A master process of HAProxy and its worker; `reload` replaces the worker."""

    def __init__(self, folder: Path, servers: Sequence[str]) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.log = folder / "haproxy.log"
        self._file = folder / "haproxy.cfg"
        self._file.write_text(configuration(self.port, servers))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it finds a server. Raises RuntimeError."""
        program = shutil.which("haproxy", path=PATH)
        assert program is not None
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-W", "-db", "-f", str(self._file)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"HAProxy did not start: {self.log.read_text()}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Return the master process. It must have been started."""
        assert self._process is not None
        return self._process.pid

    def reload(self) -> None:
        """Let a new worker take new connections; the old one ends with those that it has."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR2)

    def stop(self) -> None:
        """End it and all connections."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT)

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.uri}/healthz", timeout=5).ok
        return False


def configuration(port: int, servers: Sequence[str]) -> str:
    """Return the example's text for these servers, without TLS. Raises ValueError."""
    text = EXAMPLE.read_text()
    found = re.search(r"^    server \S+ \S+(.*)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{EXAMPLE} has no server.")
    lines = [
        f"    server tiled{index} {urlsplit(uri).netloc}{found[1]}"
        for index, uri in enumerate(servers, 1)
    ]
    text = text[: found.start()] + "\n".join(lines) + text[found.end() :]
    text = re.sub(r"bind :443.*", f"bind 127.0.0.1:{port}", text)
    text = re.sub(r"bind :80\b.*", f"bind 127.0.0.1:{free_port()}", text)
    return text.replace("X-Forwarded-Proto https", "X-Forwarded-Proto http")


def balancer_here() -> bool:
    """Return whether this machine has HAProxy."""
    return shutil.which("haproxy", path=PATH) is not None


@contextmanager
def own_balancer(servers: Sequence[str]) -> Iterator[Balancer]:
    """Run HAProxy in front of these addresses, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tiled-haproxy-") as folder:
        balancer = Balancer(Path(folder), servers)
        try:
            balancer.start()
            yield balancer
        finally:
            balancer.stop()
