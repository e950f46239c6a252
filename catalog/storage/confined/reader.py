"""What runs in a confined process: it answers one request after another until the other side ends.

An operation is a function of a module that was imported before the process was confined. What it
keeps open from one request to the next is a session; a request whose session is not here any more
says enough to begin anew.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from .messages import Buffer, Channel

MAX_SESSIONS = 32
# One that has kept so much more memory than at first makes room for another.
MAX_RETAINED_BYTES = 256 << 20


class OperationSession(Protocol):
    """Something that stays open."""

    def close(self) -> None:
        """Close it."""
        ...


class SessionCache:
    """What is open, by a name that the other side gave it; the oldest make room."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._open: OrderedDict[str, OperationSession] = OrderedDict()

    def get(self, name: str) -> OperationSession | None:
        """Return the session of that name, if it is still open."""
        found = self._open.get(name)
        if found is not None:
            self._open.move_to_end(name)
        return found

    def put(self, name: str, session: OperationSession) -> None:
        """Keep a session."""
        self._open[name] = session
        while len(self._open) > self._limit:
            self._end(next(iter(self._open)))

    def end(self, names: Sequence[str]) -> None:
        """Close sessions, if they are open."""
        for name in names:
            self._end(name)

    def __len__(self) -> int:
        return len(self._open)

    def _end(self, name: str) -> None:
        session = self._open.pop(name, None)
        if session is not None:
            # It was about a damaged file, perhaps; there is nobody to hear of it.
            with suppress(Exception):
                session.close()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: plain data and buffers. `session` names what may be open from before."""

    arguments: Mapping[str, Any]
    buffers: Sequence[memoryview] = ()
    session: str | None = None
    sessions: SessionCache = field(default_factory=SessionCache)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    value: Any = None
    buffers: Sequence[Buffer] = ()


Operation = Callable[[Request], Reply]


def serve(channel: Channel, operations: Mapping[str, Operation], memory: Callable[[], int]) -> None:
    """Answer requests until the other side is gone; `memory` says how much is used by now."""
    sessions = SessionCache()
    max_bytes = memory() + MAX_RETAINED_BYTES
    while True:
        try:
            message, buffers = channel.receive()
        except EOFError:
            return
        name, arguments, session, ended = message
        sessions.end(ended)
        answer = _answer(operations, name, Request(arguments, buffers, session, sessions))
        over_memory = memory() > max_bytes and not len(sessions)
        _send(channel, answer, over_memory)
        del message, buffers, answer, arguments


Answer = tuple[Any, Sequence[Buffer], Exception | None]


def _answer(operations: Mapping[str, Operation], name: str, request: Request) -> Answer:
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
