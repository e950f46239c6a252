"""A connection for several nodes: who hears what. No I/O."""

from __future__ import annotations

import itertools
import json
import logging

from ...errors import (
    InvalidResponse,
    NotSupported,
    RequestRejected,
    StreamLost,
    TiledClientError,
    error_for_status,
)
from ...uris import Path, connection_url
from ...wire.subprotocols import MULTI
from ..protocol.close_codes import error_for_close, is_final
from ..protocol.messages import Map, decode_addressed
from ..protocol.notices import Ended
from ..protocol.subscription_options import query_pairs
from .stream_protocol import ENVELOPE
from .subscription_state import Delivery, SubscriptionState, deliveries

logger = logging.getLogger("tiled_client.stream")

# What servers answer that do not have the address.
ABSENT = (403, 404, 405)


class MultiplexedProtocol:
    """A connection for several nodes, subscribed to and unsubscribed from at any time.

    Frames are `[id, path, message]`, where the id is one that this side chose.
    """

    server_speaks_first = False
    # A server of an older version takes no notice, and speaks the same.
    subprotocols: tuple[str, ...] = (MULTI,)

    def __init__(self, api_root: str) -> None:
        self._api_root = api_root
        self._states: dict[str, SubscriptionState] = {}
        self._numbers = itertools.count(1)

    @property
    def event_count(self) -> int:
        """A number that rises with everything that was news."""
        return sum(state.event_count for state in list(self._states.values()))

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""
        intervals = (state.interval for state in list(self._states.values()))
        return next((interval for interval in intervals if interval), None)

    def url(self) -> str:
        """Where to connect."""
        return connection_url(self._api_root, query_pairs(dict(ENVELOPE)))

    def open(self) -> list[str]:
        """A connection was made: subscribe to everything (again), each from where it stands."""
        for state in self._states.values():
            state.open()
        return [_subscribe(name, state) for name, state in self._states.items()]

    def add(self, state: SubscriptionState) -> str:
        """Subscribe. Returns what to say, if there is a connection."""
        name = str(next(self._numbers))
        self._states[name] = state
        return _subscribe(name, state)

    def remove(self, state: SubscriptionState) -> str | None:
        """Unsubscribe. Returns what to say, if there is a connection."""
        for name, other in self._states.items():
            if other is state:
                del self._states[name]
                return json.dumps({"type": "unsubscribe", "id": name})
        return None

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """What a frame means. Raises what makes it useless to go on over this connection."""
        try:
            name, path, message = decode_addressed(frame)
        except InvalidResponse:
            logger.exception("Left out a frame that cannot be read")
            return []
        state = self._states.get(name or "")
        if state is None:
            # On its way when it was unsubscribed from.
            self._pass_over(name, message)
            return []
        kind = message["type"]
        if kind == "error":
            return self._refused(str(name), state, message)
        if kind == "closed":
            return self._closed(str(name), state, path, message)
        return deliveries(state, state.receive(path, message), len(frame))

    def closed(self, code: int, reason: str) -> TiledClientError:
        """What it means that the server closed: the end of each stream is told otherwise."""
        return error_for_close(code, reason) or StreamLost("The server closed the connection.")

    def refused(self, error: TiledClientError) -> TiledClientError:
        """What it means that the handshake was answered with this."""
        if error.status in ABSENT:
            return NotSupported(
                "This server has no connection for several nodes, and no recursive subscriptions "
                f"({error}). Subscribe to each node by itself.",
                status=error.status,
            )
        return error

    def end(self, error: TiledClientError | None) -> list[Delivery]:
        """There will be no other connection: who has not been told so yet."""
        left = list(self._states.values())
        self._states.clear()
        return [Delivery(state, state.end(error)) for state in left]

    def _refused(self, name: str, state: SubscriptionState, message: Map) -> list[Delivery]:
        status, detail = message.get("status"), message.get("detail")
        error = error_for_status(
            status if isinstance(status, int) else 400, str(detail or "The server said no.")
        )
        if not isinstance(error, RequestRejected):
            raise error
        del self._states[name]
        return [Delivery(state, state.end(error))]

    def _closed(
        self, name: str, state: SubscriptionState, path: Path, message: Map
    ) -> list[Delivery]:
        code = message.get("code")
        error = error_for_close(code if isinstance(code, int) else 1011, message.get("reason", ""))
        if error is not None and not is_final(error):
            raise error
        event = state.close(path, error)
        if isinstance(event, Ended):
            del self._states[name]
        return [Delivery(state, event)]

    @staticmethod
    def _pass_over(name: str | None, message: Map) -> None:
        if name is None and message["type"] == "error":
            logger.error("The server does not understand: %s", message.get("detail"))


def _subscribe(name: str, state: SubscriptionState) -> str:
    path = "/".join(state.node.path)
    return json.dumps({"type": "subscribe", "id": name, "path": path, **state.to_params()})
