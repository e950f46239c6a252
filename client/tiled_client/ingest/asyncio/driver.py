"""Task that holds the connection of a writer for asyncio."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors import StreamLost, StreamTimeout, TiledClientError
from ...settings import WriterOptions
from ...stream.engine.reconnect_policy import KeepaliveTimer
from ..engine.connecting import IngestConnector
from ..engine.ingest_engine import IngestEngine
from ..engine.new_node import NewNode
from ..engine.written_node import WrittenNode

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger("tiled_client.ingest")


class AsyncIngestDriver:
    """Sends the frames of an engine, in the task that adds them, and receives replies in its own.

    `_is_sending` while a task sends; others leave their frames to it, so that they stay in order.
    """

    def __init__(
        self, engine: IngestEngine, connector: IngestConnector, options: WriterOptions
    ) -> None:
        self.engine = engine
        self._connector, self._options = connector, options
        self._changed = asyncio.Condition()
        self._is_sending = False
        self._is_down = False
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._pumping: asyncio.Task[None] | None = None

    async def connect(self, timeout: float) -> None:
        """Start, and wait for the connection. Raises what prevents it, and StreamTimeout."""
        engine = self.engine
        self._task = asyncio.create_task(self._run())
        if engine.is_spooled:
            return  # frames are taken while the server is down, too
        try:
            await self.wait_for(
                lambda: engine.connected or engine.failure is not None,
                timeout,
                f"{self._connector.url()} did not accept a connection",
            )
            engine.raise_failures()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Disconnect; frames that are not acknowledged are not sent again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        self.engine.close()

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged. Raises the errors of frames, StreamTimeout."""
        what = "Not everything was acknowledged"
        await self.wait_for(lambda: self.engine.is_settled, timeout, what)
        self.engine.raise_failures()

    async def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect. Raises as `flush` does.

        What is spooled need not wait for a server that is down.
        """
        engine = self.engine
        try:
            if engine.is_spooled:
                await self.wait_for(lambda: engine.is_settled or self._is_down, None, "")
                if engine.pending == 0:
                    engine.raise_failures()
            else:
                await self.flush()
        finally:
            await self.stop()

    async def wait_for(
        self, condition: Callable[[], bool], timeout: float | None, what: str
    ) -> None:
        """Wait until `condition` is true. Raises StreamTimeout."""
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise StreamTimeout(f"{what} within {timeout:g} s.") from None

    def open(self, path: str, uuid: str | None) -> WrittenNode:
        """Add a node to write to."""
        return self._requested(self.engine.open(path, uuid))

    def create(self, new: NewNode) -> WrittenNode:
        """Add a node to create and to write to. Raises the errors of earlier frames."""
        self.engine.raise_failures()
        return self._requested(self.engine.create(new))

    def _requested(self, node: WrittenNode) -> WrittenNode:
        if self._connection is not None and not self._is_sending:
            self._pumping = asyncio.create_task(self._pump())
        return node

    async def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> int:
        """Send a frame, once there is room for it; return its number.

        Raises the errors of earlier frames, StreamTimeout, and what ended the connection for good.
        """
        engine, size = self.engine, len(payload)
        engine.raise_failures()
        if not engine.has_room(size):
            await self.wait_for(
                lambda: engine.has_room(size) or engine.failure is not None,
                self._options.timeout,
                "The server has not acknowledged enough of the frames before",
            )
            engine.raise_failures()
        if node.failure is not None:
            raise node.failure
        sequence = engine.add(node, header, payload).sequence
        await self._pump()
        return sequence

    async def _pump(self) -> None:
        """Send what can be sent, unless another task does."""
        from websockets.exceptions import ConnectionClosed

        if self._is_sending:
            return
        self._is_sending = True
        try:
            while self._connection is not None and (message := self.engine.take()) is not None:
                await self._connection.send(message)
        except ConnectionClosed:
            pass  # the receiving task connects again
        finally:
            self._is_sending = False

    async def _run(self) -> None:
        while True:
            opened_at = time.monotonic()
            try:
                await self._hold_connection()
                error: Exception = StreamLost("The connection was closed.")
            except Exception as raised:  # noqa: BLE001 - the connector decides what it means
                error = raised
            if not await self._recover(error, time.monotonic() - opened_at):
                return

    async def _hold_connection(self) -> None:
        from websockets.asyncio.client import connect

        arguments: Any = self._connector.arguments()
        self.engine.on_connected()
        connection = await connect(**arguments)
        self._connection, self._is_down = connection, False
        keepalive = KeepaliveTimer(self._options.idle_before_ping)
        pong: asyncio.Future[Any] | None = None
        while True:
            due = self.engine.reopen_due()
            if self.engine.has_more() and not self._is_sending:
                # In a task: acknowledgements may be what a blocked sender waits for.
                self._pumping = asyncio.create_task(self._pump())
            wait = keepalive.timeout(None) if due is None else due
            try:
                async with asyncio.timeout(wait):
                    message = await connection.recv()
            except TimeoutError:
                if due is None and keepalive.on_timeout(
                    wait, None, answered=pong is None or pong.done()
                ):
                    pong = asyncio.ensure_future(await connection.ping())
                continue
            keepalive, pong = KeepaliveTimer(self._options.idle_before_ping), None
            self.engine.receive(message)
            async with self._changed:
                self._changed.notify_all()

    async def _recover(self, error: Exception, open_seconds: float) -> bool:
        """Wait before the next connection; return False if there will be none."""
        progress = self.engine.connected
        connection, self._connection = self._connection, None
        self._is_down = connection is None
        self.engine.on_lost()
        async with self._changed:
            self._changed.notify_all()
        if connection is not None:
            with suppress(Exception):
                await connection.close()
        try:
            # New credentials may need a request.
            failure, delay = await asyncio.to_thread(
                self._connector.after_failure,
                error,
                progress=progress,
                open_seconds=open_seconds,
            )
        except Exception as defect:
            logger.exception("The writer failed")
            failure, delay = TiledClientError(f"The writer failed: {defect!r}"), None
        if delay is None:
            self.engine.fail(failure)
            async with self._changed:
                self._changed.notify_all()
            return False
        logger.info("Lost the connection to the ingest endpoint: %s", failure)
        await asyncio.sleep(delay)
        return True
