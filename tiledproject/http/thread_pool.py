"""Threads that requests run on: few at a time, kept, and more where the few are not quick enough.

Each thread keeps its connection to the database. Python runs one thread at a time, so that many
at once only take the turn from each other, and from the event loop; two are enough to work while
another waits for the disk or the streaming cache. But work may also wait for long, for a slow disk
or the lock of a node, and then nobody else shall wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from django.db import connections

from core.cancellation import NEVER, CancellationToken, call

Result = TypeVar("Result")

AT_ONCE = 2
KEPT_THREADS = 16
# Most requests take less than a millisecond. In seconds.
PATIENCE = 0.01


class Job(NamedTuple):
    """Something to do, and who waits for it, since when by the loop's clock."""

    since: float
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    token: CancellationToken


Inbox = SimpleQueue[Job | None]


class RequestThreads:
    """Runs functions on kept threads: `at_once`, and more for what has waited for `patience`."""

    def __init__(
        self, *, at_once: int = AT_ONCE, kept: int = KEPT_THREADS, patience: float = PATIENCE
    ) -> None:
        self._at_once = at_once
        self._kept = kept
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._idle: list[Inbox] = []
        self._busy = 0
        self._watched = False

    async def run(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        token: CancellationToken = NEVER,
    ) -> Result:
        """What `function(*arguments)` gives, or raises; it runs to its end also if we do not wait.

        `token` is the current one there. What was cancelled before it began raises Cancelled.
        Like `loop.run_in_executor`, at a third of its cost.
        """
        loop = asyncio.get_running_loop()
        job = Job(loop.time(), loop, loop.create_future(), function, arguments, token)
        with self._lock:
            if self._busy < self._at_once:
                self._begin(job)
            else:
                self._waiting.append(job)
                self._watch(loop)
        result: Result = await job.future
        return result

    async def idle(self) -> None:
        """Return when nothing is being done."""
        while self._busy:  # noqa: ASYNC110  asked once in the life of a process
            await asyncio.sleep(PATIENCE)

    def _begin(self, job: Job) -> None:
        self._busy += 1
        inbox = self._idle.pop() if self._idle else self._new_thread()
        inbox.put(job)

    def _new_thread(self) -> Inbox:
        inbox: Inbox = SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name="request", daemon=True).start()
        return inbox

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._watched:
            self._watched = True
            loop.call_at(self._waiting[0].since + self._patience, self._relieve, loop)

    def _relieve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin what has waited long enough, on threads besides the few."""
        with self._lock:
            self._watched = False
            while self._waiting and self._waiting[0].since + self._patience <= loop.time():
                self._begin(self._waiting.popleft())
            if self._waiting:
                self._watch(loop)

    def _work(self, inbox: Inbox) -> None:
        while self._one(inbox):
            pass
        connections.close_all()

    def _one(self, inbox: Inbox) -> bool:
        """Do what comes next; False if nothing will. What it was about is not kept any longer."""
        job = inbox.get()
        if job is None:
            return False
        result, failure = _outcome(job)
        self._next(inbox)
        # Only now, so that whoever is told finds this thread idle.
        _tell(job, result, failure)
        return True

    def _next(self, inbox: Inbox) -> None:
        """Take the job that has waited longest; else be idle, or no more than that many."""
        with self._lock:
            if self._waiting and self._busy <= self._at_once:
                inbox.put(self._waiting.popleft())
                return
            self._busy -= 1
            if len(self._idle) < self._kept:
                self._idle.append(inbox)
            else:
                inbox.put(None)


def _outcome(job: Job) -> tuple[Any, BaseException | None]:
    try:
        return call(job.token, job.function, *job.arguments), None
    except BaseException as error:  # noqa: BLE001  whoever waits for it is told
        return None, error


def _tell(job: Job, result: Any, failure: BaseException | None) -> None:
    try:
        job.loop.call_soon_threadsafe(_settle, job.future, result, failure)
    except RuntimeError:
        return  # The loop is closed: nobody waits any more.


def _settle(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.cancelled():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
