"""What a connection is made with, and why it ended: the same for threads and for coroutines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import StreamTimeout, TiledClientError, TransportError
from ...http.connection_pool import USER_AGENT
from ...http.responses import Response
from ...settings import StreamOptions
from ..protocol.close_codes import NO_CLOSE_FRAME
from .stream_protocol import StreamProtocol
from .subscription_state import SubscriptionState

if TYPE_CHECKING:
    from websockets.exceptions import InvalidStatus

# Frames that the WebSocket library holds itself. While it holds more it reads nothing, pings
# included, so the buffering is done in the inbox, where it is bounded by bytes.
LIBRARY_FRAMES = 4
# Seconds for the peer to answer a close frame.
CLOSE_TIMEOUT = 2.0


def connect_arguments(
    headers: dict[str, str], options: StreamOptions, subprotocols: Sequence[str] = ()
) -> dict[str, Any]:
    """How to call either `connect` of the WebSocket library."""
    return {
        "subprotocols": list(subprotocols) or None,
        "additional_headers": headers,
        "user_agent_header": USER_AGENT,
        "compression": None,
        "max_size": None,
        "max_queue": LIBRARY_FRAMES,
        "open_timeout": options.connect_timeout,
        # See `KeepaliveTimer`.
        "ping_interval": None,
        "close_timeout": CLOSE_TIMEOUT,
    }


def translate_exception(error: Exception, conversation: StreamProtocol) -> TiledClientError | None:
    """What an exception means that ended a connection; None if it was meant to end.

    Raises the exception if it has nothing to do with the connection.
    """
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

    if isinstance(error, TiledClientError):
        return error
    if isinstance(error, ConnectionClosed):
        frame = error.rcvd
        return conversation.closed(*(frame.code, frame.reason) if frame else (NO_CLOSE_FRAME, ""))
    if isinstance(error, InvalidStatus):
        return conversation.refused(_answer(error, conversation.url()).error())
    if isinstance(error, (OSError, WebSocketException)):
        return TransportError(f"The stream cannot be reached: {error}")
    raise error


def no_schema_error(seconds: float) -> StreamTimeout:
    """The server accepted, and its first message did not come."""
    return StreamTimeout(
        f"The server accepted the subscription, but said nothing for {seconds:g} s. "
        "It does so when it wants an API key and none was given."
    )


def require_started(
    state: SubscriptionState, failure: TiledClientError | None, timeout: float
) -> None:
    """Raise why a subscription has not begun, if it has not."""
    if state.began:
        return
    reason = state.ended.error if state.ended else failure
    raise reason or StreamTimeout(
        f"The stream of {state.node.uri} did not begin within {timeout:g} s."
    )


def _answer(refused: InvalidStatus, url: str) -> Response:
    response = refused.response
    body = bytes(response.body or b"")
    return Response(response.status_code, response.headers, body, url.partition("?")[0])
