"""Supervise the embedded Valkey: restart it if it dies, end it with its owner.

Run as a program: `valkey_guard.py DIRECTORY COMMAND...`. Standard input is a pipe whose other end
only the owner holds; the system closes that end however the owner ends, `kill -9` included. Then
the guard kills Valkey and removes its directory. A Valkey that dies earlier is started again,
empty. On Linux, Valkey dies with a guard that is killed. This module imports only the standard
library, so that it starts fast.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

RESTART_SECONDS = 0.5
# From linux/prctl.h: which signal this process receives when its parent dies.
PR_SET_PDEATHSIG = 1


class Guard:
    """Runs one Valkey process after another, until the owner is gone."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.owner_gone = threading.Event()
        self._lock = threading.Lock()
        self._valkey: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Return when the owner and the Valkey are both gone."""
        threading.Thread(target=self._watch_owner, daemon=True).start()
        while (valkey := self._start()) is not None:
            valkey.wait()
            self.owner_gone.wait(RESTART_SECONDS)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self.owner_gone.is_set():
                return None
            self._valkey = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent()
            )
            return self._valkey

    def _watch_owner(self) -> None:
        while os.read(0, 1):
            pass
        with self._lock:
            self.owner_gone.set()
            if self._valkey is not None:
                # Killed, since it has nothing to save.
                self._valkey.kill()


def _die_with_parent() -> Callable[[], None] | None:
    """Return a function that makes a new process die with this one, or None if impossible."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl, guard = ctypes.CDLL(None).prctl, os.getpid()

    def set_parent_death_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The guard may have died before the call.
        if os.getppid() != guard:
            os._exit(1)

    return set_parent_death_signal


def main() -> None:
    """Supervise until the owner is gone, then remove the directory."""
    folder, *command = sys.argv[1:]
    try:
        Guard(command).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
