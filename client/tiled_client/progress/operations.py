"""Operations of which bars are shown, and the counts of their bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .visibility import is_shown
from .watcher import watcher

# Operations of the thread, or task, that runs; requests that they make in other threads have it,
# too, because the threads are given the context.
_current: ContextVar[Operation | None] = ContextVar("tiled_client_progress", default=None)


class Operation:
    """A transfer of one part or several, each with bytes that may be known only when it begins.

    Parameters
    ----------
    title
        What is done; a person reads it beside the bar. Set by the first part if it is empty.
    parts
        The number of parts.
    """

    def __init__(self, title: str = "", parts: int = 1) -> None:
        self.title = title
        self.started = time.monotonic()
        self.done = 0
        self._parts = parts
        self._begun = 0
        self._expected = 0
        self._lock = threading.Lock()

    @property
    def total(self) -> float | None:
        """The bytes of all parts, estimated by those that have begun; None before."""
        if not self._begun or not self._expected:
            return None
        return max(self._expected * max(self._parts / self._begun, 1.0), self.done)

    def expect(self, count: int) -> None:
        """Add the bytes of a part that begins."""
        with self._lock:
            self._begun += 1
            self._expected += count

    def advance(self, count: int) -> None:
        """Add bytes that were sent or received."""
        with self._lock:
            self.done += count


@contextmanager
def track(setting: bool | None, title: str = "", parts: int = 1) -> Iterator[None]:
    """Show a bar during the body of a `with` statement, if it takes long and bars are shown.

    Within another operation this is a part of it.

    Parameters
    ----------
    setting
        `HttpOptions.progress`.
    title, parts
        See `Operation`.
    """
    outer = _current.get()
    if outer is not None:
        outer.title = outer.title or title
    if outer is not None or not is_shown(setting):
        yield
        return
    operation = Operation(title, parts)
    token = _current.set(operation)
    watcher.add(operation)
    try:
        yield
    finally:
        _current.reset(token)
        watcher.remove(operation)


def is_tracked() -> bool:
    """Return whether bytes are counted, so that large bodies should be read piece by piece."""
    return _current.get() is not None


def expect(count: int) -> None:
    """Add the bytes of a body that is about to be sent or received, if they are counted."""
    operation = _current.get()
    if operation is not None:
        operation.expect(count)


def advance(count: int) -> None:
    """Add bytes that were sent or received, if they are counted."""
    operation = _current.get()
    if operation is not None:
        operation.advance(count)
