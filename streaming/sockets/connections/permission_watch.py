"""Subscribers who have to go, or see more, when rights change while they watch.

Each server process hears over the Channels layer that rights have changed, and looks, in one query
for all its subscribers, who no longer may see what they watch. What was not heard is found out by
looking at the version of all rights from time to time.

From the moment at which a process hears of a change until it has looked, these subscribers are sent
nothing: what was written after the change is not told to one who may not see it any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from access.events import PermissionsChanged, permissions_changed
from access.permissions.tag_permissions import Version, current_version
from catalog.permissions.node_permissions import limited, which_allow

from .authorization import NEEDED, Watched

logger = logging.getLogger(__name__)

GROUP = "rights"
KIND = "rights.changed"
LOOK_SECONDS = 10.0
RETRY_SECONDS = 1.0
# Changes that come one after the other are looked at together: a look takes at most a fifth of the
# time, and waits no longer than this.
PAUSES_OF_A_LOOK = 4
LONGEST_PAUSE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Onlooker:
    """A subscription to a node: `lose` ends it, `look` has it see what else there is now."""

    watched: Watched
    lose: Callable[[], None]
    look: Callable[[], None] | None = None


class Onlookers:
    """All subscriptions of one event loop that depend on rights per node."""

    def __init__(self) -> None:
        self._all: set[Onlooker] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._version: Version | None = None
        # Cleared while there is a change that was not looked at.
        self._settled = asyncio.Event()
        self._settled.set()
        self._heard = 0

    def holds(self, onlooker: Onlooker | None) -> bool:
        """Return whether a subscription must be sent nothing now: rights may have changed."""
        return onlooker in self._all and not self._settled.is_set()

    async def settled(self, onlooker: Onlooker | None) -> None:
        """Wait until the rights of a subscription are known again."""
        if onlooker in self._all:
            await self._settled.wait()

    def add(self, onlooker: Onlooker) -> None:
        """Watch over a subscription; harmless for one that nothing can happen to."""
        if limited(onlooker.watched.principal):
            self._all.add(onlooker)
            # It was let in by rights that may have changed since.
            self._changed.set()
            if not self._tasks:
                parts = (self._listen(), self._follow())
                self._tasks = [asyncio.create_task(part) for part in parts]

    def remove(self, onlooker: Onlooker) -> None:
        """Watch over it no more; harmless when done before."""
        self._all.discard(onlooker)
        if not self._all:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            self._settled.set()

    def wake(self) -> None:
        """Rights have changed."""
        self._heard += 1
        self._version = None
        self._changed.set()
        if self._all:
            self._settled.clear()

    async def _listen(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        channel = await _joined(layer)
        self.wake()
        while True:
            if (await layer.receive(channel))["type"] == KIND:
                self.wake()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
            heard, begun = self._heard, time.monotonic()
            try:
                await self._compare()
            except DatabaseError as error:
                logger.warning("Rights of subscribers cannot be looked at now: %s", error)
                if not self._settled.is_set():
                    self._changed.set()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if heard == self._heard:
                self._settled.set()
            took = time.monotonic() - begun
            await asyncio.sleep(min(LONGEST_PAUSE, PAUSES_OF_A_LOOK * took))

    async def _compare(self) -> None:
        version = await database_sync_to_async(current_version)()
        asked = list(self._all)
        allowed = await database_sync_to_async(_allowed)(asked)
        for onlooker, is_allowed in zip(asked, allowed, strict=True):
            if onlooker not in self._all:
                continue
            if not is_allowed:
                onlooker.lose()
            elif onlooker.look is not None and version != self._version:
                onlooker.look()
        self._version = version


async def _joined(layer: Any) -> str:
    """A new channel on which changes are heard of, as soon as there is a way to one."""
    while True:
        try:
            channel: str = await layer.new_channel()
            await layer.group_add(GROUP, channel)
        except (RedisError, OSError) as error:
            logger.debug("Changes of rights are not heard of for now: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return channel


def _allowed(onlookers: Sequence[Onlooker]) -> list[bool]:
    asked = [(each.watched.uuid, each.watched.principal) for each in onlookers]
    return which_allow(asked, *NEEDED)


_everywhere: dict[asyncio.AbstractEventLoop, Onlookers] = {}


def onlookers() -> Onlookers:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _everywhere.get(loop)
    if found is None:
        for other in [other for other in _everywhere if other.is_closed()]:
            del _everywhere[other]
        found = _everywhere[loop] = Onlookers()
    return found


def connect() -> None:
    """Have changes of rights told everywhere."""
    permissions_changed.connect(tell, dispatch_uid="streaming tell of rights")


def tell(*, event: PermissionsChanged, **_: object) -> None:
    """Have all subscribers looked at: in this process, and in all others."""
    for loop, here in list(_everywhere.items()):
        with suppress(RuntimeError):  # a loop that is closed has nobody left
            loop.call_soon_threadsafe(here.wake)
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, {"type": KIND})
    except (RedisError, OSError) as error:
        logger.warning(
            "Other server processes could not be told that rights have changed; each looks within "
            "%g seconds: %s",
            LOOK_SECONDS,
            error,
        )
