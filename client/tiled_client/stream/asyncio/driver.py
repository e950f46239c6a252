"""Task that runs the engine of a connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...settings import StreamOptions
from ..engine import commands
from ..engine.stream_engine import Steps, StreamEngine
from ..engine.stream_protocol import StreamProtocol
from ..engine.subscription_state import Delivery
from ..engine.websocket_options import connect_arguments
from ..protocol.streamed_node import StreamedNode
from .inbox import AsyncInbox

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

logger = logging.getLogger("tiled_client.stream")


class TaskDriver:
    """Executes the engine's commands in a task; events are put into `inbox`.

    `opened` is set when there is a connection for the first time, or there will be none.
    """

    def __init__(
        self, protocol: StreamProtocol, node: StreamedNode, options: StreamOptions
    ) -> None:
        self.inbox: AsyncInbox[Delivery] = AsyncInbox(options.buffer_bytes)
        self.opened = asyncio.Event()
        on_open = self.opened.set
        self.engine = StreamEngine(protocol, node.credentials, options, on_open=on_open)
        self._node = node
        self._options = options
        self._connection: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to connect."""
        self._task = asyncio.create_task(self._run(), name="tiled-stream")

    def stop(self) -> None:
        """Close the connection; no more events are put into the inbox."""
        # No subscription is added any more, though the task is yet to see that it is cancelled.
        self.engine.stopping = self.engine.over = True
        self.inbox.close()
        if self._task is not None:
            self._task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed, after `stop()`."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def send(self, change: Callable[[], str | None]) -> None:
        """Change the protocol, and send the message that `change` returns if there is a connection.

        Raises the error that ended the stream if it is over.
        """
        from websockets.exceptions import ConnectionClosed

        if self.engine.over:
            raise self.engine.failure or RuntimeError("the connection is closed")
        text, connection = change(), self._connection if self.engine.connected else None
        if text is not None and connection is not None:
            try:
                await connection.send(text)
            except ConnectionClosed:
                # The next connection begins with all subscriptions.
                logger.debug("Not sent over a lost connection: %s", text)

    async def _run(self) -> None:
        try:
            await self._drive(self.engine.run())
        finally:
            self.inbox.finish()
            self.opened.set()

    async def _drive(self, steps: Steps[None]) -> None:
        result: Any = None
        failure: Exception | None = None
        cancelled: asyncio.CancelledError | None = None
        while True:
            try:
                command = steps.send(result) if failure is None else steps.throw(failure)
            except (StopIteration, commands.Stopped):
                break
            result, failure = None, None
            try:
                result = await self._execute(command)
            except asyncio.CancelledError as error:
                # The engine closes the connection properly before the task ends.
                cancelled, failure = error, commands.Stopped()
                self.inbox.close()
            except Exception as error:  # noqa: BLE001 - the engine decides what it means
                failure = error
        if cancelled is not None:
            raise cancelled

    async def _execute(self, command: commands.Command) -> Any:
        match command:
            case commands.Deliver():
                return await self.inbox.put(command.delivery, command.delivery.size)
            case commands.Receive() | commands.Send() | commands.Ping():
                assert self._connection is not None
                return await _use(self._connection, command)
            case commands.Connect():
                self._connection = await self._connect(command)
            case commands.Close():
                connection, self._connection = self._connection, None
                if connection is not None:
                    await connection.close(command.code)
            case commands.Sleep():
                await asyncio.sleep(command.seconds)
            case commands.RunBlocking():
                return await asyncio.to_thread(command.function)
        return None

    async def _connect(self, command: commands.Connect) -> ClientConnection:
        from websockets.asyncio.client import connect

        arguments = connect_arguments(command, self._options, self._node.http_options)
        return await connect(**arguments)


async def _use(
    connection: ClientConnection, command: commands.Receive | commands.Send | commands.Ping
) -> Any:
    match command:
        case commands.Receive():
            try:
                async with asyncio.timeout(command.timeout):
                    return await connection.recv()
            except TimeoutError:
                return None
        case commands.Send():
            return await connection.send(command.text)
        case commands.Ping():
            return asyncio.ensure_future(await connection.ping()).done
