"""Closing files that were replaced, on a thread of its own.

The last to close a file that has no name any more waits until the disk is done with what it was
about to write of it: 3 ms for 4 MB, when all that was asked for is a name for the new file.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue

# What waits here still takes its place on the disk.
MAX_PENDING_CLOSES = 32

_waiting: SimpleQueue[int] = SimpleQueue()
_begin = threading.Lock()
_process: int | None = None


def retain(path: str | os.PathLike[str], at_least: int) -> int | None:
    """Keep the file at `path` if it has so many bytes, so that replacing it does not end it.

    To be passed to `let_go`. None if there is none, or a smaller one.
    """
    try:
        if os.stat(path).st_size < at_least:
            return None
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def close_later(descriptor: int | None) -> None:
    """Close the file soon; now, if too many wait already."""
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
            threading.Thread(target=_close_all, name="letting go", daemon=True).start()


def _close_all() -> None:
    while True:
        os.close(_waiting.get())
