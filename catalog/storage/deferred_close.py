"""Deferred close: close replaced files in a background thread.

Closing the last descriptor of an unlinked file blocks until its dirty pages are written: 3 ms for
4 MB, which the rename that replaced it would otherwise wait for.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue

# Files that wait here still occupy disk space.
MAX_PENDING_CLOSES = 32

_waiting: SimpleQueue[int] = SimpleQueue()
_begin = threading.Lock()
_process: int | None = None


def retain(path: str | os.PathLike[str], at_least: int) -> int | None:
    """Open the file at `path`, so that replacing it does not block, and return the descriptor.

    Pass the result to `close_later`. Return None if the file is smaller than `at_least` bytes or
    does not exist.
    """
    try:
        if os.stat(path).st_size < at_least:
            return None
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def close_later(descriptor: int | None) -> None:
    """Close the file in the background, or at once if too many files wait already."""
    if descriptor is None:
        return
    if _waiting.qsize() >= MAX_PENDING_CLOSES:
        os.close(descriptor)
        return
    _start()
    _waiting.put(descriptor)


def _start() -> None:
    # Threads do not survive a fork.
    global _process
    with _begin:
        if _process != os.getpid():
            _process = os.getpid()
            threading.Thread(target=_close_all, name="deferred-close", daemon=True).start()


def _close_all() -> None:
    while True:
        os.close(_waiting.get())
