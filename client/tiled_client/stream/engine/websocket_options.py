"""Arguments of the WebSocket library, and the meaning of its exceptions."""

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

# Frames that the WebSocket library queues itself. While its queue is full it reads nothing, pings
# included, so the buffering is done in the inbox, where it is bounded by bytes.
LIBRARY_QUEUE_FRAMES = 4
CLOSE_TIMEOUT_SECONDS = 2.0


def connect_arguments(
    headers: dict[str, str], options: StreamOptions, subprotocols: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the keyword arguments of both `connect` functions of the WebSocket library."""
    return {
        "subprotocols": list(subprotocols) or None,
        "additional_headers": headers,
        "user_agent_header": USER_AGENT,
        # Deflate doubles the CPU time of numbers and hardly shrinks them.
        "compression": None,
        "max_size": None,
        "max_queue": LIBRARY_QUEUE_FRAMES,
        "open_timeout": options.connect_timeout,
        # See `KeepaliveTimer`.
        "ping_interval": None,
        "close_timeout": CLOSE_TIMEOUT_SECONDS,
    }


def translate_exception(error: Exception, protocol: StreamProtocol) -> TiledClientError | None:
    """Return the error that an exception of a connection means; None for a regular end.

    Raises the exception itself if it has nothing to do with the connection.
    """
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

    if isinstance(error, TiledClientError):
        return error
    if isinstance(error, ConnectionClosed):
        frame = error.rcvd
        code, reason = (frame.code, frame.reason) if frame else (NO_CLOSE_FRAME, "")
        return protocol.translate_close(code, reason)
    if isinstance(error, InvalidStatus):
        return protocol.translate_rejection(_response(error, protocol.url()).error())
    if isinstance(error, (OSError, WebSocketException)):
        return TransportError(f"The stream cannot be reached: {error}")
    raise error


def no_schema_error(seconds: float) -> StreamTimeout:
    """Return the error for a server that accepted, and did not send a schema."""
    return StreamTimeout(
        f"The server accepted the subscription but sent nothing for {seconds:g} s. "
        "A server that wants an API key does so when api_key was not given."
    )


def require_started(
    state: SubscriptionState, failure: TiledClientError | None, timeout: float
) -> None:
    """Raise why a subscription has not started, unless it has."""
    if state.accepted:
        return
    reason = state.ended.error if state.ended else failure
    raise reason or StreamTimeout(
        f"The stream of {state.node.uri} did not start within {timeout:g} s (argument timeout)."
    )


def _response(rejected: InvalidStatus, url: str) -> Response:
    response = rejected.response
    body = bytes(response.body or b"")
    return Response(response.status_code, response.headers, body, url.partition("?")[0])
