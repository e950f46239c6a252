"""Whether this server is about to stop, shared by the supervisor and its workers.

The supervisor sets the flag when it gets SIGTERM; the readiness endpoint of every worker reports it
while `server.shutdown_delay` passes.
"""

from __future__ import annotations

import multiprocessing
from typing import Any


class ShutdownFlag:
    """A flag in memory that the supervisor passes to each worker process."""

    def __init__(self) -> None:
        self._value: Any = multiprocessing.get_context("spawn").RawValue("b", 0)

    def set(self) -> None:
        """Note that the server stops."""
        self._value.value = 1

    def is_set(self) -> bool:
        """Return whether the server stops."""
        return bool(self._value.value)


_installed: ShutdownFlag | None = None


def install(flag: ShutdownFlag) -> None:
    """Use the supervisor's flag in this process."""
    global _installed
    _installed = flag


def is_stopping() -> bool:
    """Return whether the server of this process is about to stop."""
    return _installed is not None and _installed.is_set()
