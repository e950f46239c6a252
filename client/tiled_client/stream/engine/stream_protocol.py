"""Protocols of a connection, in both directions. No I/O."""

from __future__ import annotations

import logging
from typing import Protocol

from ...errors import Forbidden, InvalidResponse, NotSupported, TiledClientError
from ...uris import stream_url
from ..protocol.close_codes import error_for_close
from ..protocol.messages import decode_frame
from ..protocol.subscription_options import FEATURES, query_pairs
from .subscription_state import Delivery, SubscriptionState, deliveries

logger = logging.getLogger("tiled_client.stream")

ENVELOPE = {"envelope_format": "msgpack", "features": FEATURES}


class StreamProtocol(Protocol):
    """Messages to send over a connection, and the meaning of those received.

    Instances outlive a connection: the next one resumes where the last was lost.
    """

    server_speaks_first: bool
    """True if the server sends a message as soon as it has accepted."""

    subprotocols: tuple[str, ...]
    """The WebSocket subprotocols to offer."""

    @property
    def event_count(self) -> int:
        """Count of new events received."""

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""

    def url(self) -> str:
        """Return the address for the next connection."""

    def on_connected(self) -> list[str]:
        """Begin a connection; return the messages to send first."""

    def on_opened(self) -> list[Delivery]:
        """Return the events of a connection that is open, in place of one that was lost."""

    def on_lost(self, error: TiledClientError) -> list[Delivery]:
        """Return the events of a connection that was lost, and will be replaced."""

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """Decode a frame into events. Raises errors that require a new connection."""

    def translate_close(self, code: int, reason: str) -> TiledClientError | None:
        """Return the error that a close code means; None for a regular end."""

    def translate_rejection(self, error: TiledClientError) -> TiledClientError:
        """Return the error that a rejected handshake means."""

    def on_closed(self, error: TiledClientError | None, *, stopped: bool) -> list[Delivery]:
        """End all subscriptions, as there will be no other connection; return their ends.

        `error` is None for a regular end, and `stopped` tells whether this side caused it.
        """


class SingleNodeProtocol:
    """A connection for one node: its options are in the URL, and only the server sends."""

    server_speaks_first = True
    subprotocols: tuple[str, ...] = ()

    def __init__(self, state: SubscriptionState) -> None:
        self._state = state

    @property
    def event_count(self) -> int:
        """Count of new events received."""
        return self._state.event_count

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""
        return self._state.interval

    def url(self) -> str:
        """Return the address, which says where to resume."""
        node = self._state.node
        pairs = query_pairs({**ENVELOPE, **self._state.to_params()})
        return stream_url(node.api_root, node.path, pairs)

    def on_connected(self) -> list[str]:
        """Begin a connection; there is nothing to send."""
        self._state.on_connected()
        return []

    def on_opened(self) -> list[Delivery]:
        """Return nothing: the schema, which came before, tells that the stream continues."""
        return []

    def on_lost(self, error: TiledClientError) -> list[Delivery]:
        """Return the event of the lost connection."""
        return self._state.on_lost(error)

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """Decode a frame into events. Raises errors that require a new connection."""
        try:
            message = decode_frame(frame)
        except InvalidResponse:
            if not self._state.has_schema:
                raise
            # The next one may be fine, and reconnecting would bring the same again.
            logger.exception("Skipped a frame that cannot be decoded")
            return []
        path = self._state.node.path
        return deliveries(self._state, self._state.receive(path, message), len(frame))

    def translate_close(self, code: int, reason: str) -> TiledClientError | None:
        """Return the error that a close code means; None if the producer ended the stream."""
        return error_for_close(code, reason)

    def translate_rejection(self, error: TiledClientError) -> TiledClientError:
        """Return the error of a rejected handshake, with the likely reason if it has none.

        Servers that cannot send a body with a rejection, such as Tiled's, send a bare 403.
        """
        if not error.is_foreign or error.status != 403:
            return error
        if self._state.to_params().get("start") == "latest":
            return NotSupported(
                "The server rejects the subscription. If it is Tiled's, it does not support "
                "start='latest': start at 0, or with new updates.",
                status=error.status,
                url=error.url,
            )
        return Forbidden(
            "The server rejects the subscription without a reason: the credentials may be missing "
            "or invalid, or an option is not supported.",
            status=error.status,
            url=error.url,
        )

    def on_closed(self, error: TiledClientError | None, *, stopped: bool) -> list[Delivery]:
        """End the subscription, unless it has ended; return its end."""
        if self._state.ended is not None:
            return []
        by_producer = error is None and not stopped and not self._state.cancelled
        return [Delivery(self._state, self._state.end(error, by_producer=by_producer))]
