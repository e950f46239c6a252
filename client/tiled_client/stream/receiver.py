"""The thread that holds a subscription's connection, and makes it anew when it breaks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..errors import StreamLost, StreamTimeout, TiledClientError, TransportError, UnreadableAnswer
from ..http import USER_AGENT, Answer
from ..retries import Backoff
from ..settings import StreamOptions
from .inbox import Inbox
from .outcomes import NO_CLOSE_FRAME, error_for_close, is_final
from .position import Position
from .protocol import Envelope, Map, Schema, decode_frame, parse_envelope, parse_schema

if TYPE_CHECKING:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import ClientConnection

    from .updates import Update

logger = logging.getLogger("tiled_client.stream")

# A connection that held for so many seconds counts as sound: its loss is not one more of a series.
SOUND_AFTER = 10.0
# Frames that the WebSocket library holds itself. While it holds more it reads nothing, pings
# included, so the buffering is done in the inbox, where it is bounded by bytes.
LIBRARY_FRAMES = 4
# Seconds for the peer to answer a close frame.
CLOSE_TIMEOUT = 2.0

Parse = Callable[[Map, Envelope, Schema], "Update | None"]


class Receiver:
    """Receives updates into `inbox`, in order and each once, until the end, an error or `stop()`.

    `url` makes the address from a query. When the inbox is finished, `error` says why; it is None
    where the producer ended the stream (then `ended` is True) or `stop()` was called.
    """

    def __init__(
        self,
        url: Callable[[dict[str, str]], str],
        headers: dict[str, str],
        position: Position,
        parse: Parse,
        options: StreamOptions,
    ) -> None:
        self.inbox: Inbox[Update] = Inbox(options.buffer_bytes)
        self.error: TiledClientError | None = None
        self.ended = False
        self._url = url
        self._headers = headers
        self._position = position
        self._parse = parse
        self._options = options
        self._stopping = threading.Event()
        # Set when the first schema has come, or when it is clear that it never will.
        self._settled = threading.Event()
        self._established = False
        self._begun_at: float | None = None
        self._failure: TiledClientError | None = None
        self._connection: ClientConnection | None = None
        self._thread = threading.Thread(target=self._run, name="tiled-stream", daemon=True)

    def start(self, timeout: float) -> None:
        """Connect, and return when the schema has come. Raises what stood against it until then."""
        self._thread.start()
        self._settled.wait(timeout)
        if self._established:
            return
        # Taken before it is stopped, which makes an attempt under way end without a failure.
        reason = self.error or self._failure
        self.stop()
        raise reason or StreamTimeout(
            f"The stream {self._url({})} did not begin within {timeout:g} s."
        )

    @property
    def stopped(self) -> bool:
        """Whether `stop()` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Close the connection; nothing more is handed out."""
        self._stopping.set()
        self.inbox.close()
        connection = self._connection
        if connection is not None:
            connection.close()

    def _run(self) -> None:
        try:
            self.error = self._follow()
        except Exception as error:
            logger.exception("The stream cannot be followed any further")
            self.error = StreamLost(f"The stream cannot be followed any further: {error!r}")
        finally:
            self._settled.set()
            self.inbox.finish()

    def _follow(self) -> TiledClientError | None:
        """Connect until there is no point in it. Returns the last error, if it ended with one."""
        backoff, sound_at = Backoff(), time.monotonic()
        while not self._stopping.is_set():
            last = self._position.last
            failure = self._follow_once()
            if failure is None or self._stopping.is_set():
                return None
            self._failure = failure
            now = time.monotonic()
            held = now - self._begun_at if self._begun_at is not None else 0.0
            if self._position.last != last or held > SOUND_AFTER:
                backoff.reset()
                sound_at = now
            if is_final(failure) or now - sound_at > self._options.give_up_after:
                return failure
            delay = backoff.next(failure.retry_after)
            logger.info("Stream lost (%s); connecting again in %.1f s", failure, delay)
            self._stopping.wait(delay)
        return None

    def _follow_once(self) -> TiledClientError | None:
        """Receive over one connection. Returns why it ended; None if it was meant to end."""
        from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
        from websockets.sync.client import connect

        self._begun_at = None
        try:
            with connect(
                self._url(self._position.query()),
                additional_headers=self._headers,
                user_agent_header=USER_AGENT,
                compression=None,
                max_size=None,
                max_queue=LIBRARY_FRAMES,
                open_timeout=self._options.connect_timeout,
                ping_interval=None,
                close_timeout=CLOSE_TIMEOUT,
            ) as connection:
                self._connection = connection
                # `stop()` may have come too early to see the connection.
                if not self._stopping.is_set():
                    self._receive(connection)
                return None
        except TiledClientError as error:
            return error
        except ConnectionClosed as closed:
            return self._closed(closed)
        except InvalidStatus as refused:
            return self._refused(refused)
        except (OSError, WebSocketException) as error:
            return TransportError(f"The stream cannot be reached: {error}")
        finally:
            self._connection = None

    def _receive(self, connection: ClientConnection) -> None:
        schema = self._schema(connection)
        if self._position.begin(schema.epoch, schema.sequence):
            logger.warning("The numbering of the stream has begun again")
        self._begun_at = time.monotonic()
        self._established = True
        self._settled.set()
        for frame in self._frames(connection):
            update = self._read(frame, schema)
            if self._stopping.is_set():
                return
            if update is not None and not self.inbox.put(update, len(frame)):
                return

    def _schema(self, connection: ClientConnection) -> Schema:
        timeout = self._options.connect_timeout
        try:
            return parse_schema(decode_frame(connection.recv(timeout=timeout)))
        except TimeoutError as error:
            raise StreamTimeout(
                f"The server accepted the subscription, but said nothing for {timeout:g} s. "
                "It does so when it wants an API key and none was given."
            ) from error

    def _frames(self, connection: ClientConnection) -> Iterator[bytes | str]:
        """Every frame; when none comes for a while, a sign of life is asked for.

        The library's own keepalive is off: it takes a server for dead whose answer waits behind
        data that a slow callback has not yet made room for.
        """
        pong: threading.Event | None = None
        while True:
            try:
                frame = connection.recv(timeout=self._options.idle_before_ping)
            except TimeoutError:
                if pong is not None and not pong.is_set():
                    raise StreamLost("The server gives no sign of life.") from None
                pong = connection.ping()
            else:
                pong = None
                yield frame

    def _read(self, frame: bytes | str, schema: Schema) -> Update | None:
        """The update in a frame, if it is one, and news."""
        try:
            message = decode_frame(frame)
            if "sequence" not in message:
                logger.debug("Passed over a message of type %s", message["type"])
                return None
            envelope = parse_envelope(message)
            if not self._position.admit(envelope.sequence, envelope.timestamp, envelope.epoch):
                return None
            return self._parse(message, envelope, schema)
        except UnreadableAnswer:
            # The next one may be fine, and asking for this one again would not change it.
            logger.exception("Left out an update that cannot be read")
            return None

    def _closed(self, closed: ConnectionClosed) -> TiledClientError | None:
        code = closed.rcvd.code if closed.rcvd else NO_CLOSE_FRAME
        error = error_for_close(code, closed.rcvd.reason if closed.rcvd else "")
        self.ended = error is None and not self._stopping.is_set()
        return error

    def _refused(self, refused: InvalidStatus) -> TiledClientError:
        response = refused.response
        body = bytes(response.body or b"")
        return Answer(response.status_code, response.headers, body, self._url({})).error()
