"""Main loop of a confined process: serve one request after another until the server closes.

An operation is a function of a module that was imported before confinement. It may keep files open
between requests in a session; each request has all arguments to reopen a session that was evicted.
While it runs, it may ask the server (`ReaderRequest.ask`), which answers before anything else.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from .messages import Buffer, Channel, Content

MAX_SESSIONS = 32
# A process that has grown by more than this, and has no session, asks to be replaced.
MAX_RETAINED_BYTES = 256 << 20


class OperationSession(Protocol):
    """A resource that stays open between requests."""

    def close(self) -> None:
        """Close it."""
        ...


class SessionCache:
    """The open sessions by name; the least recently used ones are evicted."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._open: OrderedDict[str, OperationSession] = OrderedDict()

    def get(self, name: str) -> OperationSession | None:
        """Return the session of this name, if it is open."""
        found = self._open.get(name)
        if found is not None:
            self._open.move_to_end(name)
        return found

    def put(self, name: str, session: OperationSession) -> None:
        """Store a session; evict the oldest ones above the limit."""
        self._open[name] = session
        while len(self._open) > self._limit:
            self._end(next(iter(self._open)))

    def end(self, names: Sequence[str]) -> None:
        """Close these sessions, if they are open."""
        for name in names:
            self._end(name)

    def __len__(self) -> int:
        return len(self._open)

    def _end(self, name: str) -> None:
        session = self._open.pop(name, None)
        if session is not None:
            # Closing a damaged file may fail; no request is left to report it to.
            with suppress(Exception):
                session.close()


Ask = Callable[[Any], Content]
"""Sends plain data to the server process, and returns its answer. Raises EOFError, OSError."""


@dataclass(frozen=True, slots=True)
class ReaderRequest:
    """A request: plain arguments and buffers; `session` names a session that may be open.

    `ask` is None in the server process itself (see `unconfined`).
    """

    arguments: Mapping[str, Any]
    buffers: Sequence[memoryview] = ()
    session: str | None = None
    sessions: SessionCache = field(default_factory=SessionCache)
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: a plain value and buffers."""

    value: Any = None
    buffers: Sequence[Buffer] = ()


Operation = Callable[[ReaderRequest], Reply]


def serve(channel: Channel, operations: Mapping[str, Operation], memory: Callable[[], int]) -> None:
    """Serve requests until the other side closes; `memory` returns the bytes in use."""
    sessions = SessionCache()
    lock = threading.Lock()
    max_bytes = memory() + MAX_RETAINED_BYTES
    while True:
        try:
            message, buffers = channel.receive()
        except EOFError:
            return
        name, arguments, session, ended = message
        sessions.end(ended)
        questions = _Questions(channel, lock)
        request = ReaderRequest(arguments, buffers, session, sessions, questions)
        answer = _answer(operations, name, request)
        questions.end()
        over_memory = memory() > max_bytes and not len(sessions)
        _send(channel, answer, over_memory)
        del message, buffers, answer, arguments, request


class _Questions:
    """The questions of one operation to the server, from any of its threads, one at a time."""

    def __init__(self, channel: Channel, lock: threading.Lock) -> None:
        self._channel, self._lock = channel, lock
        self._ended = False

    def __call__(self, question: Any) -> Content:
        """Send a question and return its answer."""
        with self._lock:
            if self._ended:
                raise RuntimeError("The operation has ended.")
            self._channel.send(["ask", question])
            return self._channel.receive()

    def end(self) -> None:
        """Wait for the last answer: a thread of a failed operation may still be asking."""
        with self._lock:
            self._ended = True


Answer = tuple[Any, Sequence[Buffer], Exception | None]


def _answer(operations: Mapping[str, Operation], name: str, request: ReaderRequest) -> Answer:
    try:
        if not name:
            return None, (), None
        reply = operations[name](request)
    except Exception as error:  # noqa: BLE001 - a damaged file may make its decoder raise anything
        return None, (), error
    return reply.value, reply.buffers, None


def _send(channel: Channel, answer: Answer, over_memory: bool) -> None:
    value, buffers, error = answer
    if error is None:
        try:
            channel.send(["ok", value, over_memory], buffers)
        except (TypeError, ValueError, OverflowError, MemoryError, OSError) as caught:
            error = caught
        else:
            return
    kinds = [kind.__name__ for kind in type(error).__mro__]
    details = [kinds, str(error), getattr(error, "retry_after", None), _short_of_memory(error)]
    channel.send(["error", details, over_memory])


def _short_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def resident_memory(statm: int) -> int:
    """Return the bytes in use, from the open file /proc/self/statm."""
    fields = os.pread(statm, 256, 0).split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
