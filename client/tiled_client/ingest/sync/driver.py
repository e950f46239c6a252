"""Thread that holds the connection of a writer."""

from __future__ import annotations

import logging
import threading
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
    from websockets.sync.client import ClientConnection

logger = logging.getLogger("tiled_client.ingest")


class IngestDriver:
    """Sends the frames of an engine, on the thread that adds them, and receives replies on its own.

    `_changed` guards the engine; it is notified of every reply. `_sending` is held while a message
    is sent, so that messages stay in order; the receiving thread never waits for it, because
    acknowledgements may be what a blocked sender waits for.
    """

    def __init__(
        self, engine: IngestEngine, connector: IngestConnector, options: WriterOptions
    ) -> None:
        self.engine = engine
        self._connector, self._options = connector, options
        self._changed = threading.Condition(threading.RLock())
        self._sending = threading.Lock()
        self._stopping = threading.Event()
        # Whether the last attempt to connect has failed.
        self._is_down = False
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tiled-ingest", daemon=True)

    def start(self) -> None:
        """Start to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; frames that are not acknowledged are not sent again."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.close()
        if threading.current_thread() is not self._thread and self._thread.ident is not None:
            self._thread.join(10.0)
        self.engine.close()

    def connect(self, timeout: float) -> None:
        """Start, and wait for the connection. Raises what prevents it, and StreamTimeout."""
        engine = self.engine
        self.start()
        if engine.is_spooled:
            return  # frames are taken while the server is down, too
        try:
            self.wait_for(
                lambda: engine.connected or engine.failure is not None,
                timeout,
                f"{self._connector.url()} did not accept a connection",
            )
            engine.raise_failures()
        except BaseException:
            self.stop()
            raise

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged. Raises the errors of frames, StreamTimeout."""
        what = "Not everything was acknowledged"
        self.wait_for(lambda: self.engine.is_settled, timeout, what)
        self.engine.raise_failures()

    def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect. Raises as `flush` does.

        What is spooled need not wait for a server that is down.
        """
        engine = self.engine
        try:
            if engine.is_spooled:
                self.wait_for(lambda: engine.is_settled or self._is_down, None, "")
                if engine.pending == 0:
                    engine.raise_failures()
            else:
                self.flush()
        finally:
            self.stop()

    def wait_for(self, condition: Callable[[], bool], timeout: float | None, what: str) -> None:
        """Wait until `condition` is true. Raises StreamTimeout."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise StreamTimeout(f"{what} within {timeout:g} s.")

    def open(self, path: str, uuid: str | None) -> WrittenNode:
        """Add a node to write to."""
        with self._changed:
            node = self.engine.open(path, uuid)
        self._pump()
        return node

    def create(self, new: NewNode) -> WrittenNode:
        """Add a node to create and to write to. Raises the errors of earlier frames."""
        with self._changed:
            self.engine.raise_failures()
            node = self.engine.create(new)
        self._pump()
        return node

    def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> int:
        """Send a frame, once there is room for it; return its number.

        Raises the errors of earlier frames, StreamTimeout, and what ended the connection for good.
        """
        engine = self.engine
        with self._changed:
            engine.raise_failures()
            if node.failure is not None:
                raise node.failure
            if not engine.has_room(len(payload)):
                self._wait_for_room(len(payload))
            sequence = engine.add(node, header, payload).sequence
        self._pump()
        return sequence

    def _wait_for_room(self, size: int) -> None:
        engine, timeout = self.engine, self._options.timeout
        self.wait_for(
            lambda: engine.has_room(size) or engine.failure is not None,
            timeout,
            "The server has not acknowledged enough of the frames before",
        )
        engine.raise_failures()

    def _pump(self) -> None:
        """Send what can be sent, unless another thread does: that one looks again when done."""
        while self._sending.acquire(blocking=False):
            try:
                more = self._send_all()
            finally:
                self._sending.release()
            with self._changed:
                if not more or not self.engine.has_more():
                    return

    def _send_all(self) -> bool:
        """Send until nothing can be sent; return False if the connection is lost."""
        from websockets.exceptions import ConnectionClosed

        while True:
            with self._changed:
                connection, message = self._connection, self.engine.take()
            if message is None:
                return True
            if connection is None:
                return False
            try:
                connection.send(message)
            except ConnectionClosed:
                return False  # the receiving thread connects again

    def _run(self) -> None:
        while not self._stopping.is_set():
            opened_at = time.monotonic()
            try:
                self._hold_connection()
                error: Exception = StreamLost("The connection was closed.")
            except Exception as raised:  # noqa: BLE001 - the connector decides what it means
                error = raised
            if self._stopping.is_set():
                break
            if not self._recover(error, time.monotonic() - opened_at):
                break
        with self._changed:
            self._changed.notify_all()

    def _hold_connection(self) -> None:
        from websockets.sync.client import connect

        arguments: Any = self._connector.arguments()
        with self._changed:
            self.engine.on_connected()
        connection: ClientConnection = connect(**arguments).__enter__()
        with self._changed:
            self._connection, self._is_down = connection, False
        keepalive = KeepaliveTimer(self._options.idle_before_ping)
        pong: threading.Event | None = None
        while not self._stopping.is_set():
            with self._changed:
                due = self.engine.reopen_due()
            self._pump()
            wait = keepalive.timeout(None) if due is None else due
            try:
                message = connection.recv(timeout=wait)
            except TimeoutError:
                if due is None:
                    answered = pong is None or pong.is_set()
                    if keepalive.on_timeout(wait, None, answered=answered):
                        pong = connection.ping()
                continue
            keepalive, pong = KeepaliveTimer(self._options.idle_before_ping), None
            with self._changed:
                self.engine.receive(message)
                self._changed.notify_all()

    def _recover(self, error: Exception, open_seconds: float) -> bool:
        """Wait before the next connection; return False if there will be none."""
        with self._changed:
            progress = self.engine.connected
            connection, self._connection = self._connection, None
            self._is_down = connection is None
            self.engine.on_lost()
            self._changed.notify_all()
        if connection is not None:
            with suppress(Exception):
                connection.close()
        try:
            failure, delay = self._connector.after_failure(
                error, progress=progress, open_seconds=open_seconds
            )
        except Exception as defect:
            logger.exception("The writer failed")
            failure, delay = TiledClientError(f"The writer failed: {defect!r}"), None
        if delay is None:
            with self._changed:
                self.engine.fail(failure)
            return False
        logger.info("Lost the connection to the ingest endpoint: %s", failure)
        self._stopping.wait(delay)
        return True
