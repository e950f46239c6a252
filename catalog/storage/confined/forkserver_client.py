"""Client of the fork server, in the server process: start it, fork and end processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from .confinement import Confinement
from .errors import ProcessNotStarted
from .messages import Channel, InvalidMessage, receive_descriptors, send_descriptors

# Environment variables that the processes inherit; none that may hold a secret of the site.
INHERITED_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "HDF5_USE_FILE_LOCKING")
ENVIRONMENT = {
    # One thread each: there are several processes, and stacks count against the address limit.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
}
BOOT = (
    "import sys, json; path, *rest = json.loads(sys.argv[1]); sys.path[:] = path; "
    f"from {__package__}.forkserver import main; main(*rest)"
)
# Seconds to wait for the libraries to load, and for a fork.
START_TIMEOUT, FORK_TIMEOUT = 120.0, 30.0


class ForkServerClient:
    """A fork server, started at first use, and restarted if it has ended."""

    def __init__(self, modules: Sequence[str], arguments: Mapping[str, Any]) -> None:
        self._modules, self._arguments = list(modules), dict(arguments)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def fork(self, confinement: Confinement) -> tuple[int, Channel]:
        """Fork a confined process; return its pid and channel. Raises ProcessNotStarted."""
        with self._lock:
            for attempt in (1, 2):
                control = self._ensure_started()
                try:
                    return self._request_fork(control, confinement)
                except (OSError, EOFError, InvalidMessage) as error:
                    self._stop()
                    if attempt == 2:
                        raise ProcessNotStarted(
                            f"No confined process could be forked: {error}"
                        ) from error
        raise AssertionError

    def end(self, pid: int, timeout: float) -> int | None:
        """End a process unless it ends in time; return its exit code, if known."""
        with self._lock:
            if self._control is None:
                return None
            try:
                send_descriptors(self._control, ["end", pid, timeout])
                status: int | None = receive_descriptors(self._control)[0]
            except (OSError, EOFError, InvalidMessage):
                self._stop()  # ends all its children
                return None
            return status

    def start(self) -> None:
        """Start the fork server before its first use. Raises ProcessNotStarted."""
        with self._lock:
            self._ensure_started()

    def stop(self) -> None:
        """End the fork server and its children."""
        with self._lock:
            self._stop()

    def _ensure_started(self) -> socket.socket:
        if self._control is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                kept = {
                    name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ
                }
                boot = [sys.path, theirs.fileno(), self._modules, self._arguments]
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-c", BOOT, json.dumps(boot)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**kept, **ENVIRONMENT},
                    cwd="/",
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            self._control = ours
            self._wait_until_ready(ours)
        return self._control

    def _wait_until_ready(self, control: socket.socket) -> None:
        control.settimeout(START_TIMEOUT)
        try:
            (what, text), _ = receive_descriptors(control)
        except (OSError, EOFError, InvalidMessage) as error:
            what, text = "failed", str(error)
        if what != "ready":
            self._stop()
            raise ProcessNotStarted(f"The fork server could not load the libraries: {text}")
        control.settimeout(FORK_TIMEOUT)

    def _request_fork(
        self, control: socket.socket, confinement: Confinement
    ) -> tuple[int, Channel]:
        send_descriptors(control, ["fork", confinement.readable, confinement.memory])
        pid, (connection, memory) = receive_descriptors(control)
        return pid, Channel(socket.socket(fileno=connection), memory)

    def _stop(self) -> None:
        control, process = self._control, self._process
        self._control = self._process = None
        if control is not None:
            control.close()
        if process is not None:
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    process.kill()
                process.wait()
