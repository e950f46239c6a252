"""Pool of confined processes, each leased to one thread at a time.

| state of a process | entered by | left by |
| --- | --- | --- |
| starting | `_start`: a lease found no idle process of its confinement | busy |
| idle | `_release`: no session to close, memory within its limit | busy, removed |
| busy | `_acquire` leased it to a thread | idle, removed |
| removed | crash, timeout, invalid reply, too much memory, pool closed, spare | - |

Invariants: starting and live processes together are at most `size`; only the thread with the lease
uses the channel; a process of another confinement is ended to make way for a new one.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .confinement import Confinement
from .errors import CallTimedOut, ConfinedError, OperationFailed, PoolBusy, ProcessEnded
from .forkserver_client import ForkServerClient
from .messages import Buffer, Channel, Content, InvalidMessage

logger = logging.getLogger(__name__)

# Seconds to wait for a crashed process, so that its signal is known.
CRASH_EXIT_TIMEOUT = 0.5


@dataclass(eq=False, slots=True)
class ConfinedProcess:
    """A confined process. `ended` are closed sessions that it has not been notified of yet."""

    number: int
    pid: int
    channel: Channel
    confinement: Confinement
    busy: bool = True
    over_memory: bool = False
    ended: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)


Answer = Callable[[Any], tuple[Any, Sequence[Buffer]]]
"""Answers a question of the process while the operation runs; must not raise."""


@dataclass(frozen=True, slots=True)
class Call:
    """An operation to run, preferably in the process that has its `session` or `file` open."""

    operation: str
    arguments: Mapping[str, Any]
    buffers: Sequence[Buffer] = ()
    file: str = ""
    session: str | None = None
    answer: Answer | None = None


def _parse_reply(answer: Any) -> tuple[Any, OperationFailed | None, bool]:
    """Return a reply's value, or its error, and whether its process uses too much memory.

    Raises InvalidMessage: a damaged file may have taken over the process, which may then send
    anything.
    """
    match answer:
        case ["ok", value, bool(over_memory)]:
            return value, None, over_memory
        case [
            "error",
            [[*kinds], str(text), (int() | None) as later, bool(short)],
            bool(over_memory),
        ]:
            if kinds and all(isinstance(kind, str) for kind in kinds):
                return None, OperationFailed(kinds, text, later, short), over_memory
    raise InvalidMessage("The reply is malformed.")


def _converse(channel: Channel, request: list[Any], call: Call, seconds: float) -> Content:
    """Send a request, and answer the questions of the process until it replies.

    Raises TimeoutError after `seconds`, also if they passed in answering.
    """
    deadline = time.monotonic() + seconds
    channel.connection.settimeout(seconds)
    channel.send(request, call.buffers)
    while True:
        message, buffers = channel.receive()
        match message:
            case ["ask", question] if call.answer is not None:
                value, data = call.answer(question)
            case _:
                return message, buffers
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        channel.connection.settimeout(rest)
        channel.send(value, data)


class ProcessPool:
    """At most `size` processes at a time; further calls wait up to `timeout` seconds for one."""

    def __init__(self, fork_server: ForkServerClient, size: int, timeout: float) -> None:
        self._fork_server, self._size, self._timeout = fork_server, size, timeout
        self._children: list[ConfinedProcess] = []
        self._starting = 0
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def call(self, call: Call, confinement: Confinement, seconds: float) -> Content:
        """Run an operation; return its result and buffers.

        Raises OperationFailed, ProcessEnded, CallTimedOut, PoolBusy, ProcessNotStarted.
        """
        with self._lease(call, confinement) as child:
            return self._exchange(child, call, seconds)

    def end_session(self, name: str) -> None:
        """Close a session: at once, or when its process becomes idle."""
        with self._changed:
            child = next((one for one in self._children if name in one.sessions), None)
            if child is None:
                return
            child.sessions.discard(name)
            child.ended.append(name)
            if child.busy:
                return  # closed by `_release` of the thread with the lease
            child.busy = True
        self._release(child)

    def close(self) -> None:
        """End all processes."""
        with self._changed:
            children, self._children = self._children, []
        for child in children:
            child.channel.close()

    def _exchange(self, child: ConfinedProcess, call: Call, seconds: float) -> Content:
        ended, child.ended = child.ended, []
        if call.session is not None:
            child.sessions.add(call.session)
        request = [call.operation, call.arguments, call.session, ended]
        what = f"{call.operation} of {call.file}"
        try:
            answer, buffers = _converse(child.channel, request, call, seconds)
            value, failed, child.over_memory = _parse_reply(answer)
        except TimeoutError as error:
            self._remove(child)
            logger.warning("%s took longer than %s s; its process was killed.", what, seconds)
            raise CallTimedOut(f"No reply within {seconds} s.") from error
        except (OSError, EOFError, InvalidMessage) as error:
            raised = ProcessEnded(self._remove(child, CRASH_EXIT_TIMEOUT))
            logger.warning("%s crashed its process: %s.", what, raised.how)
            raise raised from error
        except BaseException:
            self._remove(child)
            raise
        if failed is not None:
            raise failed
        return value, buffers

    @contextmanager
    def _lease(self, call: Call, confinement: Confinement) -> Iterator[ConfinedProcess]:
        child = self._acquire(call, confinement)
        try:
            yield child
        finally:
            self._release(child)

    def _acquire(self, call: Call, confinement: Confinement) -> ConfinedProcess:
        deadline = time.monotonic() + self._timeout
        spare: ConfinedProcess | None = None
        with self._changed:
            while True:
                holder = self._holder(call)
                child = holder or self._idle(call, confinement)
                if child is not None and not child.busy:
                    child.busy = True
                    return child
                # Another process could serve the session, too, but would have to start it again.
                if holder is None and self._has_capacity():
                    break
                spare = None if holder else self._idle(call, None)
                if spare is not None:
                    self._children.remove(spare)
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    raise PoolBusy(f"All {self._size} processes are busy.")
            self._starting += 1
        return self._start(confinement, spare)

    def _has_capacity(self) -> bool:
        return len(self._children) + self._starting < self._size

    def _holder(self, call: Call) -> ConfinedProcess | None:
        """Return the process that has the session of the call open."""
        if call.session is None:
            return None
        return next((one for one in self._children if call.session in one.sessions), None)

    def _idle(self, call: Call, confinement: Confinement | None) -> ConfinedProcess | None:
        """Return an idle process, preferring the one that likely has the file cached.

        With `confinement` None, return one of any confinement.
        """
        ready = [
            one for one in self._children if not one.busy and confinement in (None, one.confinement)
        ]
        if not ready:
            return None
        return max(ready, key=lambda one: zlib.crc32(f"{one.number} {call.file}".encode()))

    def _start(self, confinement: Confinement, spare: ConfinedProcess | None) -> ConfinedProcess:
        try:
            if spare is not None:
                self._end(spare)
            pid, channel = self._fork_server.fork(confinement)
            child = ConfinedProcess(next(self._numbers), pid, channel, confinement)
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._children.append(child)
        return child

    def _release(self, child: ConfinedProcess) -> None:
        """Return a process to the pool, after closing its ended sessions."""
        while True:
            with self._changed:
                if child not in self._children:
                    self._changed.notify()
                    return
                if not child.ended and not child.over_memory:
                    child.busy = False
                    self._changed.notify_all()
                    return
            if child.over_memory:
                self._remove(child)
                continue
            try:
                self._exchange(child, Call("", {}), self._timeout)
            except ConfinedError:
                continue

    def _remove(self, child: ConfinedProcess, timeout: float = 0.0) -> int | None:
        with self._changed:
            if child in self._children:
                self._children.remove(child)
        return self._end(child, timeout)

    def _end(self, child: ConfinedProcess, timeout: float = 0.0) -> int | None:
        child.channel.close()
        return self._fork_server.end(child.pid, timeout)
