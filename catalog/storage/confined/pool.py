"""A few confined processes, kept ready, and handed out to one thread at a time."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .confinement import Confinement
from .errors import Busy, ConfinedError, Ended, Failed, TooSlow
from .forkserver_client import Starter
from .messages import BadFrame, Buffer, Channel, Content

logger = logging.getLogger(__name__)

# How long (seconds) a crashed process is waited for, so that its signal is known.
CRASH_PATIENCE = 0.5


@dataclass(eq=False, slots=True)
class Child:
    """A confined process. `ended` are sessions that it does not know yet to be over."""

    number: int
    pid: int
    channel: Channel
    confinement: Confinement
    busy: bool = True
    tired: bool = False
    ended: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Call:
    """An operation to run. Of processes, that with its `session`, or its `file`, is preferred."""

    operation: str
    arguments: Mapping[str, Any]
    buffers: Sequence[Buffer] = ()
    file: str = ""
    session: str | None = None


def _read(answer: Any) -> tuple[Any, Failed | None, bool]:
    """The value of an answer, or its error, and whether its process is tired. Raises BadFrame.

    A damaged file may have taken over the process: it may answer anything.
    """
    match answer:
        case ["ok", value, bool(tired)]:
            return value, None, tired
        case ["error", [[*kinds], str(text), (int() | None) as later, bool(short)], bool(tired)]:
            if kinds and all(isinstance(kind, str) for kind in kinds):
                return None, Failed(kinds, text, later, short), tired
    raise BadFrame("It is no answer.")


class Pool:
    """At most `size` processes at a time; further calls wait for one, for `patience` seconds."""

    def __init__(self, starter: Starter, size: int, patience: float) -> None:
        self._starter, self._size, self._patience = starter, size, patience
        self._children: list[Child] = []
        self._starting = 0
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    def call(self, call: Call, confinement: Confinement, seconds: float) -> Content:
        """Run an operation; what it answers, and its buffers.

        Raises Failed, Ended, TooSlow, Busy, NotStarted.
        """
        with self._taken(call, confinement) as child:
            return self._exchanged(child, call, seconds)

    def end_session(self, name: str) -> None:
        """Have what a session kept open closed: at once, or when its process is done."""
        with self._changed:
            child = next((one for one in self._children if name in one.sessions), None)
            if child is None:
                return
            child.sessions.discard(name)
            child.ended.append(name)
            if child.busy:
                return  # who has it sees to that
            child.busy = True
        self._given_back(child)

    def close(self) -> None:
        """End all processes."""
        with self._changed:
            children, self._children = self._children, []
        for child in children:
            child.channel.close()

    def _exchanged(self, child: Child, call: Call, seconds: float) -> Content:
        ended, child.ended = child.ended, []
        if call.session is not None:
            child.sessions.add(call.session)
        child.channel.connection.settimeout(seconds)
        request = [call.operation, call.arguments, call.session, ended]
        what = f"{call.operation} of {call.file}"
        try:
            child.channel.send(request, call.buffers)
            answer, buffers = child.channel.receive()
            value, failed, child.tired = _read(answer)
        except TimeoutError as error:
            self._dismiss(child)
            logger.warning("%s took longer than %s s; its process was ended.", what, seconds)
            raise TooSlow(f"There was no answer within {seconds} s.") from error
        except (OSError, EOFError, BadFrame) as error:
            raised = Ended(self._dismiss(child, CRASH_PATIENCE))
            logger.warning("%s ended its process: %s.", what, raised.how)
            raise raised from error
        except BaseException:
            self._dismiss(child)
            raise
        if failed is not None:
            raise failed
        return value, buffers

    @contextmanager
    def _taken(self, call: Call, confinement: Confinement) -> Iterator[Child]:
        child = self._take(call, confinement)
        try:
            yield child
        finally:
            self._given_back(child)

    def _take(self, call: Call, confinement: Confinement) -> Child:
        deadline = time.monotonic() + self._patience
        spare: Child | None = None
        with self._changed:
            while True:
                holder = self._holder(call)
                child = holder or self._idle(call, confinement)
                if child is not None and not child.busy:
                    child.busy = True
                    return child
                # Another than the holder would do as well, but have to begin anew.
                if holder is None and self._has_room():
                    break
                spare = None if holder else self._idle(call, None)
                if spare is not None:
                    self._children.remove(spare)
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    raise Busy(f"All {self._size} processes are at work.")
            self._starting += 1
        return self._new(confinement, spare)

    def _has_room(self) -> bool:
        return len(self._children) + self._starting < self._size

    def _holder(self, call: Call) -> Child | None:
        """The process that has the call's session open."""
        if call.session is None:
            return None
        return next((one for one in self._children if call.session in one.sessions), None)

    def _idle(self, call: Call, confinement: Confinement | None) -> Child | None:
        """One that is free, the one that most likely knows the file; of any confinement if None."""
        ready = [
            one for one in self._children if not one.busy and confinement in (None, one.confinement)
        ]
        if not ready:
            return None
        return max(ready, key=lambda one: zlib.crc32(f"{one.number} {call.file}".encode()))

    def _new(self, confinement: Confinement, spare: Child | None) -> Child:
        try:
            if spare is not None:
                self._end(spare)
            pid, channel = self._starter.fork(confinement)
            child = Child(next(self._numbers), pid, channel, confinement)
        except BaseException:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._children.append(child)
        return child

    def _given_back(self, child: Child) -> None:
        """Free a process that this thread has; sessions that are over are closed first."""
        while True:
            with self._changed:
                if child not in self._children:
                    self._changed.notify()
                    return
                if not child.ended and not child.tired:
                    child.busy = False
                    self._changed.notify_all()
                    return
            if child.tired:
                self._dismiss(child)
                continue
            try:
                self._exchanged(child, Call("", {}), self._patience)
            except ConfinedError:
                continue

    def _dismiss(self, child: Child, patience: float = 0.0) -> int | None:
        with self._changed:
            if child in self._children:
                self._children.remove(child)
        return self._end(child, patience)

    def _end(self, child: Child, patience: float = 0.0) -> int | None:
        child.channel.close()
        return self._starter.end(child.pid, patience)
