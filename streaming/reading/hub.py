"""One stream inside one server process: read once, for all its subscribers here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID

from redis.exceptions import RedisError

from ..protocol.cursor import Position, StreamHead
from ..protocol.endings import StreamEnd
from ..redis.keys import StreamKeys
from .entries import Batch, Entry
from .log_reader import LogReader
from .notifications import News
from .window import Window

if TYPE_CHECKING:
    from .subscriber import Subscriber

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2

Future = asyncio.Future[None]
Futures = set[Future] | list[Future] | dict[Future, "Subscriber"]


class Hub:
    """Follows a stream: when woken, takes what is new into the window and wakes who waits for it.

    While news may go unheard it is not `confirmed`; once it is again, the stream is read from the
    tip, so that nothing is missed. It is in doubt then whether this is the same Redis, with the
    same entry under the number of the tip.

    A short update comes with its news. Where it is the next one it is taken as it is; where there
    is any doubt, the stream is read.
    """

    def __init__(self, node: UUID, keys: StreamKeys, log: LogReader, window: Window) -> None:
        self.node = node
        self.keys = keys
        self.log = log
        self.window = window
        self.subscribers: set[Subscriber] = set()
        self.ending: StreamEnd | None = None
        self.confirmed = False
        self._known = False
        self._fails = False
        self._held = False
        self._looks = False
        self._told: list[News] = []
        self._doubts = 0
        self._settled = 0
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._demand = asyncio.Event()
        self._waiting: dict[asyncio.Future[None], Subscriber] = {}
        self._resting: set[asyncio.Future[None]] = set()
        self._asked: list[asyncio.Future[None]] = []
        self._joining: list[asyncio.Future[None]] = []
        self._task = asyncio.create_task(self._follow())

    @property
    def tip(self) -> StreamHead:
        """How far the stream is known to have come."""
        return StreamHead(self.window.epoch, self.window.tip)

    def on_confirmed(self) -> None:
        """From now on every append is heard of; those before it may not have been."""
        self.confirmed = True
        self._news.set()
        _resolve(self._joining)

    def on_silence(self) -> None:
        """From now on appends may go unheard. Subscribers wait; new ones are refused."""
        self.confirmed = False
        self._doubts += 1
        _resolve(self._joining)

    def on_wake(self, message: bytes) -> None:
        """Something was appended, or the stream is gone."""
        news = News.read(message)
        if news is not None and news.epoch == self.window.epoch:
            if news.position <= self.window.tip:
                return
            if self._is_next(news):
                if not self._told:
                    # What else has already arrived is passed on together with it.
                    self._loop.call_soon(self._take_told)
                self._told.append(news)
                return
        self._news.set()

    def on_pulse(self, found: Batch, *, same: bool) -> None:
        """What a look at the stream found just now; not `same`: perhaps in another Redis."""
        if not same:
            self._doubts += 1
        if not same or found.gone or found.tip != self.tip:
            self._news.set()
        else:
            self._beat()

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
            self._demand.set()
            await _added(self._asked)

    async def change(self, subscriber: Subscriber, rest: float = 0.0) -> None:
        """Return when there may be something new; for who wants to `rest`, after that time.

        What is new may be given to `subscriber` while it waits here.
        """
        waiting = self.waiter(subscriber, rest)
        try:
            await waiting
        except BaseException:
            self.cancel_wait(waiting)
            raise

    def waiter(self, subscriber: Subscriber, rest: float = 0.0) -> Future:
        """A future that is done then. Drop it if it is waited for no more."""
        waiting = self._loop.create_future()
        self._demand.set()
        if rest:
            self._resting.add(waiting)
            timer = self._loop.call_later(rest, self._end_rest, waiting)
            waiting.add_done_callback(lambda _: timer.cancel())
            return waiting
        self._waiting[waiting] = subscriber
        self._forget()
        return waiting

    def cancel_wait(self, waiting: Future) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(waiting, None)
        self._resting.discard(waiting)
        waiting.cancel()

    def end(self, ending: StreamEnd) -> None:
        """Tell all subscribers that it is over."""
        self.ending = self.ending or ending
        self._news.set()
        self._demand.set()
        _resolve(self._asked)
        _resolve(self._joining)
        self._wake_all()

    def close(self) -> None:
        """Stop following."""
        self._task.cancel()

    def _is_next(self, news: News) -> bool:
        """Whether it brings what comes next, and nothing else is to be found out."""
        last = self._told[-1].position if self._told else self.window.tip
        return (
            news.entry is not None
            and news.position == Position(last.sequence + 1)
            and self._may_be_told
        )

    @property
    def _may_be_told(self) -> bool:
        """Whether the window is what it seems, nobody is about to read on, and someone waits."""
        return (
            self._known
            and self._doubts == self._settled
            and not self._looks
            and not self._news.is_set()
            and self.ending is None
            and bool(self.subscribers)
            and self._wanted
        )

    def _take_told(self) -> None:
        told, self._told = self._told, []
        first = Position(self.window.tip.sequence + 1)
        if not self._may_be_told or (told[0].epoch, told[0].position) != (self.window.epoch, first):
            self._news.set()
            return
        entries = [news.entry for news in told if news.entry is not None]
        newest, tip = entries[-1], StreamHead(told[-1].epoch, told[-1].position)
        batch = Batch(tip, entries, complete=True, time=newest.time, evicted_to=told[-1].evicted_to)
        if self.window.extend(batch):
            self._pass_on(entries)

    async def _follow(self) -> None:
        try:
            while self.ending is None:
                await self._news.wait()
                while not self._wanted and self.ending is None:
                    self._held = True
                    self._demand.clear()
                    await self._demand.wait()
                self._news.clear()
                self._looks = True
                await self._answer()
                self._looks = False
        except Exception:
            logger.exception("The stream of %s cannot be followed", self.node)
            self.end(StreamEnd.LOST)

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
            batch = await self._look()
            if batch.gone:
                self.end(StreamEnd.DELETED)
                return
            if self._held:
                self._held = False
                self.window.waited_to = batch.tip.position.sequence
            if not self._known:
                self._known = True
                self.window.reset(batch.tip, batch.time)
                self.window.evicted_to = batch.evicted_to
            elif self.window.extend(batch):
                self._pass_on(batch.entries)
            if self.window.tip >= batch.tip.position:
                return
            if not self._wanted:
                self._news.set()
                return

    @property
    def _wanted(self) -> bool:
        """Whether someone has seen all of the window.

        Else it would only run away from those who are on their way through it.
        """
        return bool(self._waiting or self._resting or self._asked)

    async def _look(self) -> Batch:
        """What is new. If it is in doubt, see first whether the newest known entry is the same."""
        doubts, confirmed, window = self._doubts, self.confirmed, self.window
        if not self._known:
            batch = await self.log.tip()
        else:
            doubtful = doubts != self._settled
            start = window.witness if doubtful else window.tip
            batch = await self.log.after(start, inclusive=doubtful)
            if doubtful and window.contradicts(batch):
                window.turn_back(batch)
                self._wake_all()
        if confirmed:
            self._settled = doubts
        return batch

    def _end_rest(self, waiting: asyncio.Future[None]) -> None:
        self._resting.discard(waiting)
        if not waiting.done():
            waiting.set_result(None)

    def _pass_on(self, entries: list[Entry]) -> None:
        """Give what is new to those who can take it at once; have the others who wait look."""
        if self.window.tip.end or not len(self.window):
            # Who rests only hears of an end, or a new start.
            _resolve(self._resting)
        waiting, self._waiting = self._waiting, {}
        plain = all(entry.lost is None and not entry.position.end for entry in entries)
        for future, subscriber in waiting.items():
            if future.done():
                continue
            if plain and subscriber.give(entries):
                self._waiting[future] = subscriber
            else:
                future.set_result(None)
        self._forget()

    def _forget(self) -> None:
        if len(self._waiting) == len(self.subscribers):
            # All have seen all of it. A stream where nothing happens holds no memory.
            self.window.forget()

    def _wake_all(self) -> None:
        _resolve(self._resting)
        _resolve(self._waiting)

    def _beat(self) -> None:
        """Let everyone who has nothing else to hear know that the stream is followed."""
        for subscriber in self.subscribers:
            subscriber.feed.beat = True
        self._wake_all()


def _added(futures: list[asyncio.Future[None]]) -> asyncio.Future[None]:
    future = asyncio.get_running_loop().create_future()
    futures.append(future)
    return future


def _resolve(futures: Futures) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
    futures.clear()
