"""Keeps the embedded Valkey alive for as long as its owner, and not a moment longer.

Run as a program of its own: `valkey_guard.py FOLDER COMMAND...`. Standard input is a pipe that the
owner alone holds the other end of; the system closes that end however the owner ends, `kill -9`
included. Then the Valkey is killed and its folder removed. A Valkey that dies before is started
again, empty; one whose guard is killed dies with it where the system (Linux) can see to that. Uses
the standard library only, so that it starts at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

PAUSE = 0.5
# From linux/prctl.h: the signal to be sent to this process when its parent dies.
PR_SET_PDEATHSIG = 1


class Guard:
    """One Valkey process after another, until the owner is gone."""

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
            self.owner_gone.wait(PAUSE)

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self.owner_gone.is_set():
                return None
            self._valkey = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, preexec_fn=_dying_with_this_process()
            )
            return self._valkey

    def _watch_owner(self) -> None:
        while os.read(0, 1):
            pass
        with self._lock:
            self.owner_gone.set()
            if self._valkey is not None:
                # Nothing that it holds outlives it, so there is nothing to finish.
                self._valkey.kill()


def _dying_with_this_process() -> Callable[[], None] | None:
    """What a new process does first so that it does not outlive this one, if there is a way."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl, guard = ctypes.CDLL(None).prctl, os.getpid()

    def ask_to_be_killed() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)

    return ask_to_be_killed


def main() -> None:
    """Guard until the owner is gone, then clean up after both."""
    folder, *command = sys.argv[1:]
    try:
        Guard(command).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
