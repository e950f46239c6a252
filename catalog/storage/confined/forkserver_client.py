"""The server's side of the fork server: starting it, and having it make and end processes."""

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

# What the processes see of the environment: nothing that the site has put there.
INHERITED_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "HDF5_USE_FILE_LOCKING")
ENVIRONMENT = {
    # One thread each: there are several processes, and memory is counted by address.
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
# How long (seconds) the libraries may take to load, and a new process to be made.
START_TIMEOUT, FORK_TIMEOUT = 120.0, 30.0


class ForkServerClient:
    """A fork server, started when it is first needed, and again if it has ended."""

    def __init__(self, modules: Sequence[str], arguments: Mapping[str, Any]) -> None:
        self._modules, self._arguments = list(modules), dict(arguments)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def fork(self, confinement: Confinement) -> tuple[int, Channel]:
        """Make a confined process. Raises NotStarted."""
        with self._lock:
            for attempt in (1, 2):
                control = self._ensure_started()
                try:
                    return self._request_fork(control, confinement)
                except (OSError, EOFError, InvalidMessage) as error:
                    self._stop()
                    if attempt == 2:
                        raise ProcessNotStarted(f"No process could be made: {error}") from error
        raise AssertionError

    def end(self, pid: int, patience: float) -> int | None:
        """End a process unless it ends by itself in time; its exit code, if that is known."""
        with self._lock:
            if self._control is None:
                return None
            try:
                send_descriptors(self._control, ["end", pid, patience])
                status: int | None = receive_descriptors(self._control)[0]
            except (OSError, EOFError, InvalidMessage):
                self._stop()  # which ends them all
                return None
            return status

    def start(self) -> None:
        """Have it loaded before it is needed. Raises NotStarted."""
        with self._lock:
            self._ensure_started()

    def stop(self) -> None:
        """End it, and all that it made."""
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
            raise ProcessNotStarted(f"The libraries that read files could not be loaded: {text}")
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
