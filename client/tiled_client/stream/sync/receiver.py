"""The thread that holds a connection, and makes it anew when it breaks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
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
from .inbox import Inbox

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

logger = logging.getLogger("tiled_client.stream")


class Receiver:
    """Receives into `inbox`, in order and each once, until the end, an error or `stop()`.

    `failure` is the last thing that went wrong, whether or not it was got over. `open` is set when
    there is a connection for the first time, or it is clear that there will be none, and `over`
    when there will be no other.
    """

    def __init__(
        self, conversation: StreamProtocol, credentials: Credentials, options: StreamOptions
    ) -> None:
        self.conversation = conversation
        self.inbox: Inbox[Delivery] = Inbox(options.buffer_bytes)
        self.failure: TiledClientError | None = None
        self.open = threading.Event()
        self.over = False
        self._renewal = CredentialRenewal(credentials)
        self._options = options
        self._stopping = threading.Event()
        # Held while the conversation is talked to: others than the thread may do so.
        self._lock = threading.RLock()
        self._begun_at: float | None = None
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tiled-stream", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Close the connection; nothing more is handed out."""
        self._stopping.set()
        self.inbox.close()
        connection = self._connection
        if connection is not None:
            connection.close()

    def tell(self, change: Callable[[], str | None]) -> None:
        """Change the conversation, and say what this returns, if there is a connection.

        Raises what ended the conversation if it is over.
        """
        from websockets.exceptions import ConnectionClosed

        with self._lock:
            if self.over:
                raise self.failure or RuntimeError("the connection is closed")
            said, connection = change(), self._connection
        if said is not None and connection is not None:
            try:
                connection.send(said)
            except ConnectionClosed:
                # The next connection begins with all that is wanted.
                logger.debug("Not said over a connection that is lost: %s", said)

    def _run(self) -> None:
        error: TiledClientError | None = None
        try:
            error = self._follow()
        except Exception as unexpected:
            logger.exception("The stream cannot be followed any further")
            error = StreamLost(f"The stream cannot be followed any further: {unexpected!r}")
        finally:
            self.failure = error or self.failure
            with self._lock:
                self.over = True
                endings = self.conversation.end(error)
            self._hand_over(endings)
            self.inbox.finish()
            self.open.set()

    def _follow(self) -> TiledClientError | None:
        """Connect until there is no point in it. Returns the last error, if it ended with one."""
        patience = ReconnectPolicy(self._options.give_up_after)
        while not self._stopping.is_set():
            event_count = self.conversation.event_count
            failure = self._follow_once()
            if failure is None or self._stopping.is_set():
                return None
            news = self.conversation.event_count != event_count
            self.failure = failure = self._renewal.after_failure(failure, news=news)
            delay = patience.after(failure, news=news, held=self._held())
            if delay is None:
                return failure
            logger.info("Stream lost (%s); connecting again in %.1f s", failure, delay)
            self._stopping.wait(delay)
        return None

    def _follow_once(self) -> TiledClientError | None:
        """Receive over one connection. Returns why it ended; None if it was meant to end."""
        from websockets.sync.client import connect

        self._begun_at = None
        offered = self.conversation.subprotocols
        arguments = connect_arguments(self._renewal.header(), self._options, offered)
        try:
            with connect(self.conversation.url(), **arguments) as connection:
                self._receive(connection)
                return None
        except Exception as error:  # noqa: BLE001 - what is none of its own is raised again
            return translate_exception(error, self.conversation)
        finally:
            self._connection = None

    def _receive(self, connection: ClientConnection) -> None:
        with self._lock:
            self._connection = connection
            opening = self.conversation.open()
        for said in opening:
            connection.send(said)
        if self.conversation.server_speaks_first and not self._take(self._first(connection)):
            return
        self._begun_at = time.monotonic()
        self.open.set()
        # `stop()` may have come too early to see the connection.
        while not self._stopping.is_set():
            if not self._take(self._next(connection)):
                return

    def _take(self, frame: bytes | str) -> bool:
        with self._lock:
            deliveries = self.conversation.receive(frame)
        return self._hand_over(deliveries)

    def _hand_over(self, deliveries: Iterable[Delivery]) -> bool:
        """Pass on what was received; False if nobody takes it any more."""
        for delivery in deliveries:
            if isinstance(delivery.event, (Started, Ended)):
                delivery.state.owner.mark_ready()
            if isinstance(delivery.event, Started):
                continue
            if not self.inbox.put(delivery, delivery.size):
                return False
        return True

    def _first(self, connection: ClientConnection) -> bytes | str:
        timeout = self._options.connect_timeout
        try:
            return connection.recv(timeout=timeout)
        except TimeoutError as error:
            raise no_schema_error(timeout) from error

    def _next(self, connection: ClientConnection) -> bytes | str:
        """The next frame; when none comes for a while, a sign of life is asked for."""
        silence, pong = KeepaliveTimer(self._options.idle_before_ping), threading.Event()
        while True:
            interval = self.conversation.interval
            patience = silence.patience(interval)
            try:
                return connection.recv(timeout=patience)
            except TimeoutError:
                if silence.passed(patience, interval, answered=pong.is_set()):
                    pong = connection.ping()

    def _held(self) -> float:
        return 0.0 if self._begun_at is None else time.monotonic() - self._begun_at
