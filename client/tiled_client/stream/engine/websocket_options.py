"""Arguments of the WebSocket library, and the meaning of its exceptions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import StreamTimeout, TiledClientError
from ...http.error_responses import error_for_response
from ...http.network_errors import transport_error
from ...http.request import Request
from ...http.tls import tls_context
from ...http.user_agent import USER_AGENT
from ...settings import HttpOptions, StreamOptions
from ..protocol.close_codes import NO_CLOSE_FRAME
from .commands import Connect
from .subscription_state import SubscriptionState

if TYPE_CHECKING:
    from websockets.exceptions import InvalidStatus

# Frames that the WebSocket library queues itself. While its queue is full it reads nothing, pings
# included, so the buffering is done in the inbox, where it is bounded by bytes.
LIBRARY_QUEUE_FRAMES = 4
CLOSE_TIMEOUT_SECONDS = 2.0

HARMLESS_HEADERS = ("Host", "Upgrade", "Connection", "Origin", "User-Agent")

library_logger = logging.getLogger("tiled_client.websockets")


def _hide_credentials(record: logging.LogRecord) -> bool:
    """Replace headers that may be secret in what the library logs of a handshake (level DEBUG)."""
    if record.msg == "> %s: %s" and isinstance(record.args, tuple):
        name = str(record.args[0])
        if name not in HARMLESS_HEADERS and not name.startswith("Sec-WebSocket-"):
            record.args = (name, "(hidden)")
    return True


library_logger.addFilter(_hide_credentials)


def connect_arguments(
    command: Connect, options: StreamOptions, http_options: HttpOptions
) -> dict[str, Any]:
    """Return the keyword arguments of both `connect` functions of the WebSocket library."""
    return {
        "uri": command.url,
        "ssl": tls_context(http_options.verify) if command.url.startswith("wss:") else None,
        "subprotocols": list(command.subprotocols) or None,
        "additional_headers": {**http_options.headers, **command.headers},
        "user_agent_header": USER_AGENT,
        # Deflate doubles the CPU time of numbers and hardly shrinks them.
        "compression": None,
        "max_size": None,
        "max_queue": LIBRARY_QUEUE_FRAMES,
        "open_timeout": options.connect_timeout,
        # See `KeepaliveTimer`.
        "ping_interval": None,
        "close_timeout": CLOSE_TIMEOUT_SECONDS,
        "logger": library_logger,
    }


class Translator(Protocol):
    """What ends and rejections of a connection mean, to the protocol that is spoken over it."""

    def url(self) -> str:
        """Return the address of the connection."""

    def translate_close(self, code: int, reason: str) -> TiledClientError | None:
        """Return the error that a close code means; None for a regular end."""

    def translate_rejection(self, error: TiledClientError) -> TiledClientError:
        """Return the error that a rejected handshake means."""


def translate_exception(error: Exception, protocol: Translator) -> TiledClientError | None:
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
        return protocol.translate_rejection(_rejection(error, protocol.url()))
    if isinstance(error, (OSError, WebSocketException)):
        return transport_error(error, protocol.url(), connecting=isinstance(error, OSError))
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


def _rejection(rejected: InvalidStatus, url: str) -> TiledClientError:
    response = rejected.response
    request = Request("GET", url, endpoint="stream")
    body = bytes(response.body or b"")
    return error_for_response(response.status_code, response.headers, body, request)
