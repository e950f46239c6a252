"""Protocol of a connection for several nodes. No I/O."""

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
from ...http.error_responses import in_python
from ...uris import Path, connection_url
from ...wire.subprotocols import MULTI
from ..protocol.close_codes import error_for_close, is_final
from ..protocol.messages import Map, decode_addressed
from ..protocol.notices import Ended
from ..protocol.subscription_options import query_pairs
from .connection_callbacks import ConnectionObserver
from .stream_protocol import ENVELOPE
from .subscription_state import Delivery, SubscriptionState, deliveries

logger = logging.getLogger("tiled_client.stream")

# Statuses of servers that do not have the endpoint.
NO_ENDPOINT = (403, 404, 405)


class MultiplexedProtocol:
    """A connection for several nodes, subscribed and unsubscribed at any time.

    Frames are `[id, path, message]`, where this side chooses the id of each subscription.
    """

    server_speaks_first = False
    # A server of an older version ignores it, and speaks the same.
    subprotocols: tuple[str, ...] = (MULTI,)

    def __init__(self, api_root: str, observer: ConnectionObserver | None = None) -> None:
        self._api_root = api_root
        self._observer = observer
        self._states: dict[str, SubscriptionState] = {}
        self._ids = itertools.count(1)

    @property
    def event_count(self) -> int:
        """Count of new events received."""
        # A copy: other threads subscribe meanwhile.
        return sum(state.event_count for state in list(self._states.values()))

    @property
    def interval(self) -> float | None:
        """Seconds from one heartbeat to the next, once known."""
        intervals = (state.interval for state in list(self._states.values()))
        return next((interval for interval in intervals if interval), None)

    def url(self) -> str:
        """Return the address."""
        return connection_url(self._api_root, query_pairs(dict(ENVELOPE)))

    def on_connected(self) -> list[str]:
        """Begin a connection; return a message for each subscription, to resume where it was."""
        for state in self._states.values():
            state.on_connected()
        return [_subscribe_message(id_, state) for id_, state in self._states.items()]

    def on_opened(self) -> list[Delivery]:
        """Return the event for the connection itself, if it replaces a lost one."""
        return [] if self._observer is None else self._observer.on_opened()

    def on_lost(self, error: TiledClientError) -> list[Delivery]:
        """Return the event for the connection itself, and for each subscription."""
        own = [] if self._observer is None else self._observer.on_lost(error)
        return own + [each for state in self._states.values() for each in state.on_lost(error)]

    def subscribe(self, state: SubscriptionState) -> str:
        """Add a subscription. Returns the message to send, if there is a connection."""
        id_ = str(next(self._ids))
        self._states[id_] = state
        return _subscribe_message(id_, state)

    def unsubscribe(self, state: SubscriptionState) -> str | None:
        """Remove a subscription. Returns the message to send, if there is a connection."""
        for id_, other in self._states.items():
            if other is state:
                del self._states[id_]
                return json.dumps({"type": "unsubscribe", "id": id_})
        return None

    def receive(self, frame: bytes | str) -> list[Delivery]:
        """Decode a frame into events. Raises errors that require a new connection."""
        try:
            id_, path, message = decode_addressed(frame)
        except InvalidResponse:
            # The next one may be fine, and reconnecting would bring the same again.
            logger.exception("Skipped a frame that cannot be decoded")
            return []
        state = self._states.get(id_ or "")
        if state is None:
            # It was on its way when the subscription was removed.
            self._log_unaddressed(id_, message)
            return []
        kind = message["type"]
        if kind == "error":
            return self._on_error(str(id_), state, message)
        if kind == "closed":
            return self._on_node_closed(str(id_), state, path, message)
        return deliveries(state, state.receive(path, message), len(frame))

    def translate_close(self, code: int, reason: str) -> TiledClientError:
        """Return the error that a close code means; streams end by a message, not by it."""
        return error_for_close(code, reason) or StreamLost("The server closed the connection.")

    def translate_rejection(self, error: TiledClientError) -> TiledClientError:
        """Return NotSupported in place of an error that says that the endpoint is missing."""
        if error.status in NO_ENDPOINT:
            return NotSupported(
                "This server has neither connections for several nodes nor recursive "
                "subscriptions: subscribe to each node separately.",
                status=error.status,
                url=error.url,
            )
        return error

    def on_closed(self, error: TiledClientError | None, *, stopped: bool) -> list[Delivery]:
        """End all subscriptions that are left; return their ends."""
        left = list(self._states.values())
        self._states.clear()
        return [Delivery(state, state.end(error)) for state in left]

    def _on_error(self, id_: str, state: SubscriptionState, message: Map) -> list[Delivery]:
        status, detail = message.get("status"), message.get("detail")
        error = error_for_status(
            status if isinstance(status, int) else 400,
            in_python(str(detail or "The server rejected the subscription.")),
        )
        # A failure of the server (5xx) ends the connection: it may be over with the next.
        if not isinstance(error, RequestRejected):
            raise error
        del self._states[id_]
        return [Delivery(state, state.end(error))]

    def _on_node_closed(
        self, id_: str, state: SubscriptionState, path: Path, message: Map
    ) -> list[Delivery]:
        code = message.get("code")
        error = error_for_close(code if isinstance(code, int) else 1011, message.get("reason", ""))
        if error is not None and not is_final(error):
            raise error
        event = state.close_node(path, error)
        if isinstance(event, Ended):
            del self._states[id_]
        return [Delivery(state, event)]

    @staticmethod
    def _log_unaddressed(id_: str | None, message: Map) -> None:
        if id_ is None and message["type"] == "error":
            logger.error("The server rejected a message: %s", message.get("detail"))


def _subscribe_message(id_: str, state: SubscriptionState) -> str:
    path = "/".join(state.node.path)
    return json.dumps({"type": "subscribe", "id": id_, "path": path, **state.to_params()})
