"""What is said over a connection, in both directions. No I/O.

The connection itself is held by `receiver` (a thread) or `tasks` (a coroutine); both hold either
kind of conversation.
"""

from __future__ import annotations

import logging
from typing import Protocol

from ...errors import InvalidResponse, TiledClientError
from ...uris import stream_url
from ..protocol.close_codes import error_for_close
from ..protocol.messages import decode_frame
from ..protocol.subscription_options import FEATURES, query_pairs
from .subscription_state import Delivery, SubscriptionState, deliveries

logger = logging.getLogger("tiled_client.stream")

ENVELOPE = {"envelope_format": "msgpack", "features": FEATURES}


class StreamProtocol(Protocol):
    """What whoever holds a connection needs to know of what is said over it."""

    server_speaks_first: bool
    """Whether the server says something as soon as it has accepted."""

    subprotocols: tuple[str, ...]
    """Which WebSocket subprotocols to offer."""

    @property
    def event_count(self) -> int:
        """A number that rises with everything that was news."""

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""

    def url(self) -> str:
        """Where to connect, this time."""

    def open(self) -> list[str]:
        """A connection was made: what to say first."""

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """What a frame means. Raises what makes it useless to go on over this connection."""

    def closed(self, code: int, reason: str) -> TiledClientError | None:
        """What it means that the server closed; None if that was meant to be."""

    def refused(self, error: TiledClientError) -> TiledClientError:
        """What it means that the handshake was answered with this."""

    def end(self, error: TiledClientError | None) -> list[Delivery]:
        """There will be no other connection: who has not been told so yet. None: as was meant."""


class SingleNodeProtocol:
    """A connection for one node: the address says what is wanted, and only the server speaks."""

    server_speaks_first = True
    subprotocols: tuple[str, ...] = ()

    def __init__(self, state: SubscriptionState) -> None:
        self._state = state

    @property
    def event_count(self) -> int:
        """A number that rises with everything that was news."""
        return self._state.event_count

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""
        return self._state.interval

    def url(self) -> str:
        """Where to connect: it says where to go on."""
        node = self._state.node
        pairs = query_pairs({**ENVELOPE, **self._state.to_params()})
        return stream_url(node.api_root, node.path, pairs)

    def open(self) -> list[str]:
        """A connection was made; there is nothing to say."""
        self._state.open()
        return []

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """What a frame means. Raises what makes it useless to go on over this connection."""
        try:
            message = decode_frame(frame)
        except InvalidResponse:
            if not self._state.begun:
                raise
            logger.exception("Left out a frame that cannot be read")
            return []
        path = self._state.node.path
        return deliveries(self._state, self._state.receive(path, message), len(frame))

    def closed(self, code: int, reason: str) -> TiledClientError | None:
        """What it means that the server closed; None where the producer ended the stream."""
        return error_for_close(code, reason)

    def refused(self, error: TiledClientError) -> TiledClientError:
        """The handshake was answered with this, and it means that."""
        return error

    def end(self, error: TiledClientError | None) -> list[Delivery]:
        """There will be no other connection: the subscription, unless it has been told so."""
        if self._state.ended is not None:
            return []
        by_producer = error is None and not self._state.stopped
        return [Delivery(self._state, self._state.end(error, by_producer=by_producer))]
