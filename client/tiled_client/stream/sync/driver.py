"""Thread that runs the engine of a connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...settings import StreamOptions
from ..engine import commands
from ..engine.stream_engine import Steps, StreamEngine
from ..engine.stream_protocol import StreamProtocol
from ..engine.subscription_state import Delivery
from ..engine.websocket_options import connect_arguments
from ..protocol.streamed_node import StreamedNode
from .inbox import Inbox

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

logger = logging.getLogger("tiled_client.stream")


class ThreadDriver:
    """Executes the engine's commands on a thread; events are put into `inbox`.

    `opened` is set when there is a connection for the first time, or there will be none.
    """

    def __init__(
        self, protocol: StreamProtocol, node: StreamedNode, options: StreamOptions
    ) -> None:
        self.inbox: Inbox[Delivery] = Inbox(options.buffer_bytes)
        self.opened = threading.Event()
        on_open = self.opened.set
        self.engine = StreamEngine(protocol, node.credentials, options, on_open=on_open)
        self._node = node
        self._options = options
        self._stopping = threading.Event()
        # Held during each step of the engine, as `send` changes the protocol on other threads.
        self._lock = threading.RLock()
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tiled-stream", daemon=True)

    def start(self) -> None:
        """Start to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Close the connection; no more events are put into the inbox."""
        self.engine.stopping = True
        self._stopping.set()
        self.inbox.close()
        connection = self._connection
        if connection is not None:
            connection.close()

    def send(self, change: Callable[[], str | None]) -> None:
        """Change the protocol, and send the message that `change` returns if there is a connection.

        Raises the error that ended the stream if it is over.
        """
        from websockets.exceptions import ConnectionClosed

        with self._lock:
            if self.engine.over:
                raise self.engine.failure or RuntimeError("the connection is closed")
            text, connection = change(), self._connection if self.engine.connected else None
        if text is not None and connection is not None:
            try:
                connection.send(text)
            except ConnectionClosed:
                # The next connection begins with all subscriptions.
                logger.debug("Not sent over a lost connection: %s", text)

    def _run(self) -> None:
        try:
            self._drive(self.engine.run())
        finally:
            self.inbox.finish()
            self.opened.set()

    def _drive(self, steps: Steps[None]) -> None:
        result: Any = None
        failure: Exception | None = None
        while True:
            with self._lock:
                try:
                    command = steps.send(result) if failure is None else steps.throw(failure)
                except StopIteration:
                    return
            result, failure = None, None
            try:
                result = self._execute(command)
            except Exception as error:  # noqa: BLE001 - the engine decides what it means
                failure = error

    def _execute(self, command: commands.Command) -> Any:
        match command:
            case commands.Deliver():
                return self.inbox.put(command.delivery, command.delivery.size)
            case commands.Receive() | commands.Send() | commands.Ping():
                assert self._connection is not None
                return _use(self._connection, command)
            case commands.Connect():
                self._connection = self._connect(command)
            case commands.Close():
                connection, self._connection = self._connection, None
                if connection is not None:
                    connection.close(command.code)
            case commands.Sleep():
                self._stopping.wait(command.seconds)
            case commands.RunBlocking():
                return command.function()
        return None

    def _connect(self, command: commands.Connect) -> ClientConnection:
        from websockets.sync.client import connect

        arguments = connect_arguments(command, self._options, self._node.http_options)
        # As a context manager, which all versions of the library allow; `Close` is its end.
        connection: ClientConnection = connect(**arguments).__enter__()
        return connection


def _use(
    connection: ClientConnection, command: commands.Receive | commands.Send | commands.Ping
) -> Any:
    match command:
        case commands.Receive():
            try:
                return connection.recv(timeout=command.timeout)
            except TimeoutError:
                return None
        case commands.Send():
            return connection.send(command.text)
        case commands.Ping():
            return connection.ping().is_set
