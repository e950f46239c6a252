"""The thread that shows the bars of operations that last."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol

from .displays import Display, open_display

# Seconds after which a bar is shown, between two steps of it, and without operations until the
# thread ends: the next operation starts another.
DELAY, INTERVAL, IDLE = 1.0, 0.1, 5.0


class Measured(Protocol):
    """An operation of which a bar is shown."""

    title: str
    started: float
    done: int

    @property
    def total(self) -> float | None:
        """The bytes of the whole operation, if known."""


class Watcher:
    """Shows bars of operations, from a thread that runs while there are any.

    To begin and end a short operation costs the insertion into a dictionary.
    """

    def __init__(self) -> None:
        self._operations: dict[int, Measured] = {}
        self._display: Display | None = None
        self._shown: set[int] = set()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    def add(self, operation: Measured) -> None:
        """Begin to watch an operation."""
        with self._lock:
            self._operations[id(operation)] = operation
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="tiled-progress", daemon=True
                )
                self._thread.start()

    def remove(self, operation: Measured) -> None:
        """End the bar of an operation, if it is shown; nothing of it is left on the screen."""
        with self._lock:
            del self._operations[id(operation)]
            if id(operation) in self._shown:
                self._shown.remove(id(operation))
                self._close_bar(operation)

    def reset(self) -> None:
        """Forget all operations, in a process that was forked."""
        self.__init__()  # type: ignore[misc]

    def _run(self) -> None:
        idle_since = time.monotonic()
        while True:
            time.sleep(INTERVAL)
            with self._lock:
                now = time.monotonic()
                if self._operations:
                    idle_since = now
                elif now - idle_since > IDLE:
                    self._thread = None
                    return
                for operation in self._operations.values():
                    if now - operation.started >= DELAY:
                        self._show(operation)

    def _show(self, operation: Measured) -> None:
        self._display = self._display or open_display()
        self._shown.add(id(operation))
        self._display.update(id(operation), operation.title, operation.done, operation.total)

    def _close_bar(self, operation: Measured) -> None:
        assert self._display is not None
        self._display.remove(id(operation))
        if not self._shown:
            self._display.close()
            self._display = None


watcher = Watcher()
if hasattr(os, "register_at_fork"):
    # The thread does not exist in the child, and the lock may be held there forever.
    os.register_at_fork(after_in_child=watcher.reset)
