"""What one server process tells all others: credentials that do not count any more.

A key was revoked, somebody logged out, or was barred. It goes over the Channels layer, on one
channel for each process. What is not heard there, because the layer could not be reached, is found
out by looking at the credentials from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from access.accounts.revalidation import CredentialIds, revalidate
from access.events import (
    AccountChanged,
    AccountDisabled,
    KeyRevoked,
    SessionRevoked,
    account_changed,
    account_disabled,
    key_revoked,
    session_revoked,
)

from ... import shared_counters
from ...config import streaming_cache_settings
from .registry import BARRED, LOGGED_OUT, REVOKED, Credential, Desk

logger = logging.getLogger(__name__)

GROUP = "control"
KIND = "credential.over"
LOOK = "credentials.look"
Over = KeyRevoked | SessionRevoked | AccountDisabled
LOOK_SECONDS = 10.0
RETRY_SECONDS = 1.0


class Watch:
    """Learns which credentials of a desk are over, from the first that holds a seat there on."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(part) for part in (self._listen(), self._look())]

    async def stop(self) -> None:
        """End, if it has begun."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def look(self) -> None:
        """Look at the credentials now."""
        self._due.set()

    async def _listen(self) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        channel = await _joined(layer)
        # Whatever was said before now was not heard.
        self._due.set()
        # A connection that is lost is made again by the layer.
        while True:
            message = await layer.receive(channel)
            if message["type"] == KIND:
                self._desk.end(_received(message["credential"]), message["reason"])
            elif message["type"] == LOOK:
                self.look()

    async def _look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._due.wait()
            self._due.clear()
            if held := self._desk.credentials:
                await self._compare(held)

    async def _compare(self, held: CredentialIds) -> None:
        try:
            valid = await database_sync_to_async(revalidate)(held)
        except DatabaseError as error:
            logger.warning("Credentials of subscribers cannot be looked at now: %s", error)
        else:
            self._desk.compare(held, valid)


async def _joined(layer: Any) -> str:
    """A new channel on which is heard what is told to all, as soon as there is a way to one."""
    while True:
        try:
            channel: str = await layer.new_channel()
            await layer.group_add(GROUP, channel)
        except (RedisError, OSError) as error:
            logger.debug("Revoked credentials are not heard of for now: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return channel


_desks: dict[asyncio.AbstractEventLoop, Desk] = {}


def current_desk() -> Desk:
    """The desk of the running event loop."""
    loop = asyncio.get_running_loop()
    desk = _desks.get(loop)
    if desk is None:
        for other in [other for other in _desks if other.is_closed()]:
            del _desks[other]
        desk = _desks[loop] = Desk(streaming_cache_settings(), counts=shared_counters.current())
        desk.watch = Watch(desk)
    return desk


def connect() -> None:
    """Have credentials that are over told everywhere."""
    for signal in (key_revoked, session_revoked, account_disabled):
        signal.connect(tell, dispatch_uid="streaming tell")
    account_changed.connect(have_looked, dispatch_uid="streaming look")


def tell(*, event: Over, **_: Any) -> None:
    """Send away whoever has what is over: in this process, and in all others."""
    credential, reason = _meaning(event)
    for loop, desk in list(_desks.items()):
        with suppress(RuntimeError):  # a loop that is closed has nobody left
            loop.call_soon_threadsafe(desk.end, credential, reason)
    said = credential.hex if isinstance(credential, UUID) else credential
    _tell_others({"type": KIND, "credential": said, "reason": reason})


def have_looked(*, event: AccountChanged, **_: Any) -> None:
    """Have all processes look at whoever is connected: somebody may not be an admin any more."""
    for loop, desk in list(_desks.items()):
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(desk.look)
    _tell_others({"type": LOOK})


def _tell_others(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(GROUP, message)
    except (RedisError, OSError) as error:
        logger.warning(
            "Other server processes could not be told that credentials have changed; each looks "
            "within %g seconds: %s",
            LOOK_SECONDS,
            error,
        )


def _meaning(event: Over) -> tuple[Credential, str]:
    match event:
        case KeyRevoked():
            return event.key_id, REVOKED
        case SessionRevoked():
            return event.session, LOGGED_OUT
        case AccountDisabled():
            return event.account, BARRED


def _received(credential: int | str) -> Credential:
    return UUID(credential) if isinstance(credential, str) else credential
