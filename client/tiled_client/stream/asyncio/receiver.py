"""The task that holds a connection, and makes it anew when it breaks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from ...auth.credentials import Credentials
from ...errors import StreamLost, TiledClientError
from ...settings import StreamOptions
from ..engine.credential_renewal import CredentialRenewal
from ..engine.reconnect_policy import KeepaliveTimer, ReconnectPolicy
from ..engine.stream_protocol import StreamProtocol
from ..engine.subscription_state import Delivery
from ..engine.websocket_options import connect_arguments, no_schema_error, translate_exception
from ..protocol.notices import Ended, Started
from .inbox import AsyncInbox

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger("tiled_client.stream")


class AsyncReceiver:
    """Receives into `inbox`, in order and each once, until the end, an error or `stop()`.

    `failure` is the last thing that went wrong, whether or not it was got over. `open` is set when
    there is a connection for the first time, or it is clear that there will be none, and `over`
    when there will be no other.
    """

    def __init__(
        self, conversation: StreamProtocol, credentials: Credentials, options: StreamOptions
    ) -> None:
        self.conversation = conversation
        self.inbox: AsyncInbox[Delivery] = AsyncInbox(options.buffer_bytes)
        self.failure: TiledClientError | None = None
        self.open = asyncio.Event()
        self.over = False
        self._renewal = CredentialRenewal(credentials)
        self._options = options
        self._stopping = False
        self._begun_at: float | None = None
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._run(), name="tiled-stream")

    def stop(self) -> None:
        """Close the connection; nothing more is handed out."""
        self._stopping = self.over = True
        self.inbox.close()
        if self._task is not None:
            self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed, after `stop()`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def tell(self, change: Callable[[], str | None]) -> None:
        """Change the conversation, and say what this returns, if there is a connection.

        Raises what ended the conversation if it is over.
        """
        from websockets.exceptions import ConnectionClosed

        if self.over:
            raise self.failure or RuntimeError("the connection is closed")
        said, connection = change(), self._connection
        if said is not None and connection is not None:
            try:
                await connection.send(said)
            except ConnectionClosed:
                # The next connection begins with all that is wanted.
                logger.debug("Not said over a connection that is lost: %s", said)

    async def _run(self) -> None:
        error: TiledClientError | None = None
        try:
            error = await self._follow()
        except Exception as unexpected:
            logger.exception("The stream cannot be followed any further")
            error = StreamLost(f"The stream cannot be followed any further: {unexpected!r}")
        finally:
            self.failure = error or self.failure
            self.over = True
            await self._hand_over(self.conversation.end(error))
            self.inbox.finish()
            self.open.set()

    async def _follow(self) -> TiledClientError | None:
        """Connect until there is no point in it. Returns the last error, if it ended with one."""
        patience = ReconnectPolicy(self._options.give_up_after)
        while not self._stopping:
            event_count = self.conversation.event_count
            failure = await self._follow_once()
            if failure is None:
                return None
            news = self.conversation.event_count != event_count
            consider = partial(self._renewal.after_failure, failure, news=news)
            self.failure = failure = await asyncio.to_thread(consider)
            delay = patience.after(failure, news=news, held=self._held())
            if delay is None:
                return failure
            logger.info("Stream lost (%s); connecting again in %.1f s", failure, delay)
            await asyncio.sleep(delay)
        return None

    async def _follow_once(self) -> TiledClientError | None:
        """Receive over one connection. Returns why it ended; None if it was meant to end."""
        from websockets.asyncio.client import connect

        self._begun_at = None
        shown = await asyncio.to_thread(self._renewal.header)
        offered = self.conversation.subprotocols
        arguments = connect_arguments(shown, self._options, offered)
        try:
            async with connect(self.conversation.url(), **arguments) as connection:
                try:
                    await self._receive(connection)
                except asyncio.CancelledError:
                    # Else the server would be told of an internal error.
                    await connection.close()
                    raise
                return None
        except Exception as error:  # noqa: BLE001 - what is none of its own is raised again
            return translate_exception(error, self.conversation)
        finally:
            self._connection = None

    async def _receive(self, connection: ClientConnection) -> None:
        self._connection = connection
        for said in self.conversation.open():
            await connection.send(said)
        if self.conversation.server_speaks_first and not await self._take(
            await self._first(connection)
        ):
            return
        self._begun_at = time.monotonic()
        self.open.set()
        while await self._take(await self._next(connection)):
            pass

    async def _take(self, frame: bytes | str) -> bool:
        return await self._hand_over(self.conversation.receive(frame))

    async def _hand_over(self, deliveries: Iterable[Delivery]) -> bool:
        """Pass on what was received; False if nobody takes it any more."""
        for delivery in deliveries:
            if isinstance(delivery.event, (Started, Ended)):
                delivery.state.owner.mark_ready()
            if isinstance(delivery.event, Started):
                continue
            if not await self.inbox.put(delivery, delivery.size):
                return False
        return True

    async def _first(self, connection: ClientConnection) -> bytes | str:
        timeout = self._options.connect_timeout
        try:
            async with asyncio.timeout(timeout):
                return await connection.recv()
        except TimeoutError as error:
            raise no_schema_error(timeout) from error

    async def _next(self, connection: ClientConnection) -> bytes | str:
        """The next frame; when none comes for a while, a sign of life is asked for."""
        silence = KeepaliveTimer(self._options.idle_before_ping)
        pong: asyncio.Future[float] | None = None
        while True:
            interval = self.conversation.interval
            patience = silence.patience(interval)
            try:
                async with asyncio.timeout(patience):
                    return await connection.recv()
            except TimeoutError:
                answered = pong is not None and pong.done()
                if silence.passed(patience, interval, answered=answered):
                    pong = asyncio.ensure_future(await connection.ping())

    def _held(self) -> float:
        return 0.0 if self._begun_at is None else time.monotonic() - self._begun_at
