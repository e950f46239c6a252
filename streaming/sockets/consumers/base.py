"""Common part of all stream consumers: authentication, limits, and closing with a reason.

States of a connection:

| state | `_auth_timeout` | `_sender` | leaves on |
| --- | --- | --- | --- |
| connecting | None | None | authorized: streaming; an auth message is announced, or is required \
without credentials or with a session without a login: waiting for auth; refused: closed |
| waiting for auth | set | None | the first message: streaming or closed; timeout: closing |
| streaming | None | runs `_run_stream` | the stream ends, fails, or is terminated: closing |
| closing | None | sends the close frame | the client disconnects |

`_terminate` may be called in every state, by the connection registry or a permission watch. While
connecting it is only noted in `_termination`, and closes the connection as soon as it is accepted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from access.authentication.client_address import SCOPE_ADDRESS
from access.authentication.credentials import Credentials
from core.errors import ServiceError, Unauthorized

from ...config import required_cache
from ...protocol.endings import CLOSE_CODES, StreamEnd, StreamEnded
from ..connections.authorization import credentials_required, is_logged_in
from ..connections.registry import ConnectionSlot
from ..connections.revocation import current_registry
from ..messages import json_envelope
from ..messages.error_mapping import to_service_error
from .connection_metrics import ConnectionMetrics
from .handshake import BadFirstMessage, Handshake, first_message_credentials

logger = logging.getLogger(__name__)

AUTH_TIMEOUT_SECONDS = 10.0
# A close frame holds 125 bytes, two of them for the code. Source: RFC 6455, section 5.5.
MAX_REASON_BYTES = 123


class BaseStreamConsumer(AsyncConsumer):
    """Authorize a client and run its kind of stream until that is over.

    The first message must carry credentials if the handshake announces that, or if it has none and
    they are required.
    """

    endpoint: str
    handshake: Handshake
    _sender: asyncio.Task[None] | None = None
    _auth_timeout: asyncio.TimerHandle | None = None
    _slot: ConnectionSlot | None = None
    _termination: tuple[int, str] | None = None

    def __init__(self, auth_timeout_seconds: float = AUTH_TIMEOUT_SECONDS) -> None:
        self.auth_timeout_seconds = auth_timeout_seconds
        self._metrics = ConnectionMetrics(self.endpoint)

    def check_subprotocol(self) -> None:
        """Raise BadRequest if no offered subprotocol is supported. By default all are accepted."""

    async def authorize(self, slot: ConnectionSlot, credentials: Credentials | None) -> None:
        """Assign the slot to the principal of `credentials` and subscribe. Raises ServiceError."""
        raise NotImplementedError

    async def stream(self) -> None:
        """Send until there is no more to send. Raises StreamEnded, ServiceError, OSError."""
        raise NotImplementedError

    async def receive_message(self, message: Mapping[str, Any]) -> None:
        """Handle a message of an authorized client; ignored by default."""

    async def unsubscribe(self) -> None:
        """Release all subscriptions; harmless if already done."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run one connection."""
        self.scope, self.base_send = scope, send
        try:
            # One message after the other: Channels' own loop would start a task for each.
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self._cancel_auth_timeout()
            if self._sender is not None:
                self._sender.cancel()
            await self.unsubscribe()
            if self._slot is not None:
                self._slot.release()
            self._metrics.released()

    async def dispatch(self, message: Mapping[str, Any]) -> None:
        """Call the method for a message.

        Channels' own dispatch closes old database connections first, which takes a thread; no
        database connection is held here.
        """
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Accept the handshake, or reject it if it is known already that it has to be."""
        try:
            self.handshake = Handshake.read(self.scope)
            self.check_subprotocol()
            required_cache()
            address = self.scope.get(SCOPE_ADDRESS, "")
            self._slot = current_registry().reserve(self._terminate, address)
            credentials = await self._handshake_credentials()
            waits = credentials is None and (
                self.handshake.announces_auth or credentials_required()
            )
            if waits:
                self._slot.mark_pending()
            else:
                await self.authorize(self._slot, credentials)
        except Exception as error:  # noqa: BLE001  Every failure gets a response.
            await self._reject(self._to_service_error(error))
            return
        self._metrics.accepted()
        await self.send({"type": "websocket.accept", "subprotocol": self.scope.get("subprotocol")})
        if waits and self._termination is None:
            loop = asyncio.get_running_loop()
            self._auth_timeout = loop.call_later(self.auth_timeout_seconds, self._on_auth_timeout)
        else:
            self._start()

    async def _handshake_credentials(self) -> Credentials | None:
        """Return the credentials of the handshake; None for a browser session without a login."""
        shown = self._with_address(self.handshake.credentials)
        if shown is None or shown.kind != "session":
            return shown
        return shown if await database_sync_to_async(is_logged_in)(shown) else None

    def _with_address(self, credentials: Credentials | None) -> Credentials | None:
        return None if credentials is None else credentials.at(self.scope.get(SCOPE_ADDRESS, ""))

    async def websocket_receive(self, message: Mapping[str, Any]) -> None:
        """Authenticate by the first message if that is awaited; else pass the message on."""
        if self._auth_timeout is None or self._slot is None:
            if self._sender is not None and not self._sender.done():
                await self._receive(message)
            return
        self._cancel_auth_timeout()
        try:
            credentials = first_message_credentials(message.get("text"))
            await self.authorize(self._slot, self._with_address(credentials))
        except Unauthorized as error:
            # The reason is the same for all wrong credentials, as the reference server has it.
            await self._close(error.close_code, "Authentication failed")
        except Exception as error:  # noqa: BLE001
            failure = self._to_service_error(error)
            await self._close(failure.close_code, failure.detail)
        else:
            self._start()

    async def websocket_disconnect(self, message: Mapping[str, Any]) -> None:
        """Stop at once: the client is gone."""
        self._metrics.closed(message.get("code") or 1005, by="client")
        raise StopConsumer

    def close_code(self, ending: StreamEnd) -> int:
        """Return the code to close with when the stream is over."""
        return CLOSE_CODES[ending]

    def _start(self) -> None:
        ended = self._termination
        self._sender = asyncio.create_task(
            self._run_stream() if ended is None else self._close(*ended)
        )

    def _terminate(self, code: int, reason: str) -> None:
        """Send nothing more and close, as soon as the handshake has been accepted."""
        self._termination = (code, reason)
        if self._auth_timeout is not None:
            self._cancel_auth_timeout()
            self._start()
        elif self._sender is not None:
            self._sender.cancel()
            self._start()

    async def _run_stream(self) -> None:
        try:
            await self.stream()
        except StreamEnded as end:
            await self._close(self.close_code(end.ending), end.ending.value)
        except OSError as error:
            logger.debug("Lost the connection to a subscriber: %s", error)
            await self._close(1011, "Connection lost")
        except Exception as error:  # noqa: BLE001
            failure = self._to_service_error(error)
            await self._close(failure.close_code, failure.detail)
        finally:
            await self.unsubscribe()

    async def _receive(self, message: Mapping[str, Any]) -> None:
        try:
            await self.receive_message(message)
        except Exception as error:  # noqa: BLE001
            failure = self._to_service_error(error)
            self._terminate(failure.close_code, failure.detail)

    def _to_service_error(self, error: Exception) -> ServiceError:
        return to_service_error(error, self.scope.get("path"))

    async def _reject(self, error: ServiceError) -> None:
        self._metrics.rejected(error.status)
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.send({"type": "websocket.close"})
            return
        headers = {"Content-Type": "application/json", **error.headers}
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        body = json_envelope.dumps({"detail": error.detail})
        await self.send(
            {
                "type": "websocket.http.response.start",
                "status": error.status,
                "headers": [*pairs, (b"content-length", str(len(body)).encode())],
            }
        )
        await self.send({"type": "websocket.http.response.body", "body": body})

    async def _close(self, code: int, reason: str) -> None:
        self._metrics.closed(code, by="server")
        reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        try:
            await self.send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError as error:
            logger.debug("Lost the connection to a subscriber before closing it: %s", error)

    def _cancel_auth_timeout(self) -> None:
        if self._auth_timeout is not None:
            self._auth_timeout.cancel()
            self._auth_timeout = None

    def _on_auth_timeout(self) -> None:
        self._auth_timeout = None
        error = BadFirstMessage(f"No auth message within {self.auth_timeout_seconds:g} seconds")
        self._sender = asyncio.create_task(self._close(error.close_code, error.detail))
