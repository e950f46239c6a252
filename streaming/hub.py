"""One stream inside one server process: read once, for all its subscribers here."""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

from redis.exceptions import RedisError

from .cursor import Position, Tip
from .keys import StreamKeys
from .replay import LogReader
from .window import Window

if TYPE_CHECKING:
    from .subscriber import Subscriber

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class Ending(Enum):
    """Why a stream is over for its subscribers."""

    CLOSED = "Producer ended stream"
    DELETED = "Node deleted"
    LOST = "Live subscription lost"


class Hub:
    """Follows a stream: when woken, takes what is new into the window and wakes who waits for it.

    While news may go unheard it is not `confirmed`; once it is again, the stream is read from the
    tip, so that nothing is missed.
    """

    def __init__(self, node: UUID, keys: StreamKeys, log: LogReader, window: Window) -> None:
        self.node = node
        self.keys = keys
        self.log = log
        self.window = window
        self.subscribers: set[Subscriber] = set()
        self.ending: Ending | None = None
        self.confirmed = False
        self._known = False
        self._fails = False
        self._news = asyncio.Event()
        self._waiting: set[asyncio.Future[None]] = set()
        self._asked: list[asyncio.Future[None]] = []
        self._joining: list[asyncio.Future[None]] = []
        self._task = asyncio.create_task(self._follow())

    @property
    def tip(self) -> Tip:
        """How far the stream is known to have come."""
        return Tip(self.window.epoch, self.window.tip)

    def on_confirmed(self) -> None:
        """From now on every append is heard of; those before it may not have been."""
        self.confirmed = True
        self._news.set()
        _resolve(self._joining)

    def on_silence(self) -> None:
        """From now on appends may go unheard. Subscribers wait; new ones are refused."""
        self.confirmed = False
        _resolve(self._joining)

    def on_wake(self, message: bytes) -> None:
        """An append, as the log's scripts publish it: `gone`, or `EPOCH SEQUENCE-END`."""
        epoch, _, place = message.decode().partition(" ")
        if epoch == self.window.epoch and Position.parse(place) <= self.window.tip:
            return
        self._news.set()

    async def ready(self) -> bool:
        """Whether news is heard of; if so, return when the stream has been read up to now."""
        if not self.confirmed and self.ending is None:
            await _added(self._joining)
        if self.confirmed:
            await self.sync()
        return self.confirmed and self.ending is None

    async def sync(self) -> None:
        """Return when the stream has been read up to where it is now, or is over."""
        if self.ending is None:
            self._news.set()
            await _added(self._asked)

    async def change(self) -> None:
        """Return when there may be something new."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        if len(self._waiting) == len(self.subscribers):
            # All have seen all of it. A stream where nothing happens holds no memory.
            self.window.forget()
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)

    def end(self, ending: Ending) -> None:
        """Tell all subscribers that it is over."""
        self.ending = self.ending or ending
        self._news.set()
        _resolve(self._asked)
        _resolve(self._joining)
        _resolve(self._waiting)

    def close(self) -> None:
        """Stop following."""
        self._task.cancel()

    async def _follow(self) -> None:
        try:
            while self.ending is None:
                await self._news.wait()
                self._news.clear()
                await self._answer()
        except Exception:
            logger.exception("The stream of %s cannot be followed", self.node)
            self.end(Ending.LOST)

    async def _answer(self) -> None:
        """Catch up, for all who have asked until now; try again later if that fails."""
        count = len(self._asked)
        try:
            await self._catch_up()
        except (RedisError, OSError) as error:
            level = logging.DEBUG if self._fails else logging.WARNING
            logger.log(level, "The stream of %s cannot be read now: %s", self.node, error)
            self._fails = True
            self._news.set()
            await asyncio.sleep(RETRY_SECONDS)
        else:
            self._fails = False
            answered, self._asked = self._asked[:count], self._asked[count:]
            _resolve(answered)

    async def _catch_up(self) -> None:
        while self.ending is None:
            batch = await (self.log.after(self.window.tip) if self._known else self.log.tip())
            if batch.gone:
                self.end(Ending.DELETED)
                return
            if not self._known:
                self._known = True
                self.window.reset(batch.tip)
            elif self.window.extend(batch):
                _resolve(self._waiting)
            if self.window.tip >= batch.tip.position:
                return


def _added(futures: list[asyncio.Future[None]]) -> asyncio.Future[None]:
    future = asyncio.get_running_loop().create_future()
    futures.append(future)
    return future


def _resolve(futures: set[asyncio.Future[None]] | list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
    futures.clear()
