"""Thread pool for requests: few base workers, and overflow workers when these are blocked.

Each thread keeps its database connection. Because of the GIL, many running threads only slow each
other and the event loop down; two are enough to work while another waits for the disk or Redis.
Work may also block for long, on a slow disk or the lock of a node; it must not delay other
requests.

A worker is idle (its inbox is in `_idle`) or busy (counted in `_busy`).

Request submitted: starts on an idle or a new thread if fewer than `base_workers` are busy, else it
is queued and `_schedule_overflow` sets a timer.

Timer: each job that was queued for `overflow_delay` seconds starts on a further thread.

Job done: the thread takes the oldest queued job if at most `base_workers` are busy; else it becomes
idle, or ends if `max_idle` threads are idle.

Invariants, under `_lock`: `_waiting` is not empty only while at least `base_workers` threads are
busy; while it is not empty, a timer is set.
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

BASE_WORKERS = 2
MAX_IDLE_THREADS = 16
# Most requests take less than a millisecond. In seconds.
OVERFLOW_DELAY = 0.01


class Job(NamedTuple):
    """A function to run, and the future of its result; `since` is by the clock of the loop."""

    since: float
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    token: CancellationToken


class PoolUsage(NamedTuple):
    """Threads that are busy, threads that are idle, and jobs that wait for one."""

    busy: int
    idle: int
    waiting: int


Inbox = SimpleQueue[Job | None]


class ThreadPool:
    """A pool of `base_workers` threads, and more for jobs that wait for `overflow_delay`."""

    def __init__(
        self,
        *,
        base_workers: int = BASE_WORKERS,
        max_idle: int = MAX_IDLE_THREADS,
        overflow_delay: float = OVERFLOW_DELAY,
    ) -> None:
        self._base_workers = base_workers
        self._max_idle = max_idle
        self._overflow_delay = overflow_delay
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._idle: list[Inbox] = []
        self._busy = 0
        self._overflow_scheduled = False

    async def run(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        token: CancellationToken = NEVER,
    ) -> Result:
        """Run `function(*arguments)` in a thread and return its result.

        `token` is the current cancellation token there. Raises Cancelled if it was cancelled before
        the function began. Like `loop.run_in_executor`, at a third of its cost.
        """
        loop = asyncio.get_running_loop()
        job = Job(loop.time(), loop, loop.create_future(), function, arguments, token)
        with self._lock:
            if self._busy < self._base_workers:
                self._submit(job)
            else:
                self._waiting.append(job)
                self._schedule_overflow(loop)
        result: Result = await job.future
        return result

    def usage(self) -> PoolUsage:
        """Return how many threads are busy and idle, and how many jobs wait."""
        return PoolUsage(self._busy, len(self._idle), len(self._waiting))

    async def idle(self) -> None:
        """Wait until no thread is busy."""
        while self._busy:  # noqa: ASYNC110  asked once in the life of a process
            await asyncio.sleep(OVERFLOW_DELAY)

    def _submit(self, job: Job) -> None:
        self._busy += 1
        inbox = self._idle.pop() if self._idle else self._new_thread()
        inbox.put(job)

    def _new_thread(self) -> Inbox:
        inbox: Inbox = SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name="request", daemon=True).start()
        return inbox

    def _schedule_overflow(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._overflow_scheduled:
            self._overflow_scheduled = True
            loop.call_at(
                self._waiting[0].since + self._overflow_delay, self._add_overflow_worker, loop
            )

    def _add_overflow_worker(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the jobs that have waited long enough on additional threads."""
        with self._lock:
            self._overflow_scheduled = False
            while self._waiting and self._waiting[0].since + self._overflow_delay <= loop.time():
                self._submit(self._waiting.popleft())
            if self._waiting:
                self._schedule_overflow(loop)

    def _work(self, inbox: Inbox) -> None:
        while self._run_one(inbox):
            pass
        connections.close_all()

    def _run_one(self, inbox: Inbox) -> bool:
        """Run the next job; return False if the thread must end. Keeps no reference to the job."""
        job = inbox.get()
        if job is None:
            return False
        result, failure = _outcome(job)
        self._reschedule(inbox)
        # Last, so that the caller finds this thread idle when it submits the next job.
        _publish_result(job, result, failure)
        return True

    def _reschedule(self, inbox: Inbox) -> None:
        """Give the oldest queued job to this thread; if there is none, mark it idle or end it."""
        with self._lock:
            if self._waiting and self._busy <= self._base_workers:
                inbox.put(self._waiting.popleft())
                return
            self._busy -= 1
            if len(self._idle) < self._max_idle:
                self._idle.append(inbox)
            else:
                inbox.put(None)


def _outcome(job: Job) -> tuple[Any, BaseException | None]:
    try:
        return call(job.token, job.function, *job.arguments), None
    except BaseException as error:  # noqa: BLE001  raised in the caller
        return None, error


def _publish_result(job: Job, result: Any, failure: BaseException | None) -> None:
    try:
        job.loop.call_soon_threadsafe(_set_result, job.future, result, failure)
    except RuntimeError:
        return  # The loop is closed, and with it the caller.


def _set_result(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.cancelled():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
