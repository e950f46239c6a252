"""Shares of the request threads: kinds of requests that take long never have all of them.

Searches, exports and reads of data have a bounded number of threads each, so that an ordinary
request always finds one. A request beyond its share waits, in turn with those of other addresses;
too many that wait are refused with 503. Used on one event loop only.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict, deque
from typing import Any
from urllib.parse import parse_qsl

from core.errors import Unavailable

from ..config.budgets import BudgetSettings
from .root_path import inner_path

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0
RETRY_AFTER = 2
# The views of `catalog.api.urls`, as they stand behind `/api/v1/`.
SEARCHES = re.compile(r"/api/v1/+(distinct|search|search-deep)(/|$)")
EXPORTS = re.compile(r"/api/v1/+(container/+full|node/+full)(/|$)")
READS = re.compile(
    r"/api/v1/+((array|table|awkward|ragged)/+(full|block|partition|buffers)|asset/+bytes)(/|$)"
    r"|/zarr/"
)
READING = ("GET", "HEAD", "POST")


class ThreadShare:
    """A number of threads for one kind of requests, and a queue of requests for them."""

    def __init__(self, name: str, limit: int, waiting: int) -> None:
        self.name = name
        self._limit = limit
        self._most_waiting = waiting
        self._running = 0
        self._waiting = 0
        # By address, in the order of their turns: round robin over addresses, not requests.
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._logged = float("-inf")

    async def acquire(self, address: str = "", *, must: bool = False) -> None:
        """Wait for one of the threads. Call `release` afterwards.

        Raises Unavailable if too many requests wait, unless it `must` run because the response has
        begun.
        """
        if self._running < self._limit:
            self._running += 1
            return
        if self._waiting >= self._most_waiting and not must and not self._make_room(address):
            raise self._refusal()
        await self._wait(address)

    async def _wait(self, address: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(address, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()
            raise

    def release(self) -> None:
        """Pass the thread to the first request of the next address; free it if none waits."""
        while self._queues:
            address, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            self._waiting -= 1
            if queue:
                self._queues[address] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1

    @property
    def running(self) -> int:
        """The number of requests that have a thread."""
        return self._running

    @property
    def waiting(self) -> int:
        """The number of requests that wait."""
        return self._waiting

    def _make_room(self, address: str) -> bool:
        """Reject the newest request of the address with the most, if it has more than this one."""
        known = [one for one in self._queues if one]
        most = max(known, key=lambda one: len(self._queues[one]), default=address)
        queue, own = self._queues.get(most, deque()), self._queues.get(address, ())
        if most == address or len(queue) <= len(own) + 1:
            return False
        turn = queue.pop()
        self._waiting -= 1
        if not turn.done():
            turn.set_exception(self._refusal())
        return True

    def _refusal(self) -> Unavailable:
        detail = f"Too many {self.name} are waiting (budgets.waiting). Try again soon."
        now = time.monotonic()
        if now - self._logged > LOG_SECONDS:
            self._logged = now
            logger.warning("Refused a request: %s", detail)
        return Unavailable(detail, retry_after=RETRY_AFTER)


class ThreadShares:
    """The shares of a server process."""

    def __init__(self, limits: BudgetSettings) -> None:
        self.searches = ThreadShare("searches", limits.search_threads, limits.waiting)
        self.exports = ThreadShare("exports", limits.export_threads, limits.waiting)
        self.reads = ThreadShare("reads", limits.read_threads, limits.waiting)
        self.others = ThreadShare("requests", limits.threads, limits.waiting)

    def all(self) -> tuple[ThreadShare, ...]:
        """Return all shares."""
        return self.searches, self.exports, self.reads, self.others

    def of(self, scope: dict[str, Any]) -> ThreadShare:
        """Return the share of the request with this scope."""
        path, query = inner_path(scope), scope["query_string"]
        if scope["method"] not in READING or not path.startswith(("/api/v1/", "/zarr/")):
            return self.others
        if SEARCHES.match(path):
            plain = path.startswith("/api/v1/search/") and not _filters_or_sorts(query)
            return self.others if plain else self.searches
        if EXPORTS.match(path):
            return self.exports
        return self.reads if READS.match(path) else self.others


def _filters_or_sorts(query: bytes) -> bool:
    """Return whether a listing compares metadata; the names of parameters may be encoded."""
    for name, value in parse_qsl(query.decode("latin-1")):
        if name.startswith("filter"):
            return True
        if name == "sort" and any(key.lstrip("+-") not in ("", "id") for key in value.split(",")):
            return True
    return False
