"""What all WebSockets of the streams have in common: letting in, and closing with a reason."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer

from access.authentication.client_address import SCOPE_ADDRESS
from access.authentication.credentials import Credentials
from core.errors import ServiceError, Unauthorized

from ...config import required_cache
from ...protocol.endings import CLOSE_CODES, StreamEnd, StreamEnded
from ..connections.authorization import needs_credentials
from ..connections.registry import Seat
from ..connections.revocation import current_desk
from ..messages import json_envelope
from ..messages.error_codes import service_error
from .handshake import BadFirstMessage, Handshake, first_message_credentials

logger = logging.getLogger(__name__)

FIRST_MESSAGE_SECONDS = 10.0
REASON_BYTES = 123


class StreamSocket(AsyncConsumer):
    """Lets in who may watch, and has its kind of connection speak until that is over.

    Without credentials, where they are needed, the first message has to bring them.
    """

    handshake: Handshake
    _sender: asyncio.Task[None] | None = None
    _patience: asyncio.TimerHandle | None = None
    _seat: Seat | None = None
    _end: tuple[int, str] | None = None

    def __init__(self, first_message_seconds: float = FIRST_MESSAGE_SECONDS) -> None:
        self.first_message_seconds = first_message_seconds

    def check_subprotocol(self) -> None:
        """Raise BadRequest for a client that speaks another protocol; by default any may come."""

    async def admit(self, seat: Seat, credentials: Credentials | None) -> None:
        """Have whoever has them take the seat, and prepare to speak. Raises ServiceError."""
        raise NotImplementedError

    async def speak(self) -> None:
        """Send until there is no more to send. Raises StreamEnded, ServiceError, OSError."""
        raise NotImplementedError

    async def hear(self, message: Mapping[str, Any]) -> None:
        """Take a message of a client that was let in; most have nothing to say."""

    async def leave(self) -> None:
        """Have the connection cost nothing any more; harmless when done before."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run one connection: one message after the other, which needs no task for each."""
        self.scope, self.base_send = scope, send
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self._stop_waiting()
            if self._sender is not None:
                self._sender.cancel()
            await self.leave()
            if self._seat is not None:
                self._seat.leave()

    async def dispatch(self, message: Mapping[str, Any]) -> None:
        """Hand a message to its method. No database connection is held here that could be old."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Accept or deny; what can be known before is known before."""
        try:
            self.handshake = Handshake.read(self.scope)
            self.check_subprotocol()
            required_cache()
            waits = self.handshake.credentials is None and needs_credentials()
            address = self.scope.get(SCOPE_ADDRESS, "")
            self._seat = current_desk().enter(self._end_early, address)
            if waits:
                self._seat.wait()
            else:
                await self.admit(self._seat, self._shown(self.handshake.credentials))
        except Exception as error:  # noqa: BLE001  the client gets an answer whatever failed
            await self._deny(self._told(error))
            return
        await self.send({"type": "websocket.accept", "subprotocol": self.scope.get("subprotocol")})
        if waits and self._end is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(self.first_message_seconds, self._lose_patience)
        else:
            self._start()

    def _shown(self, credentials: Credentials | None) -> Credentials | None:
        return None if credentials is None else credentials.at(self.scope.get(SCOPE_ADDRESS, ""))

    async def websocket_receive(self, message: Mapping[str, Any]) -> None:
        """Take the first message of a connection without credentials; the rest is for `hear`."""
        if self._patience is None or self._seat is None:
            if self._sender is not None and not self._sender.done():
                await self._hear(message)
            return
        self._stop_waiting()
        try:
            shown = first_message_credentials(message.get("text"))
            await self.admit(self._seat, self._shown(shown))
        except Unauthorized as error:
            await self._close(error.close_code, "Authentication failed")
        except Exception as error:  # noqa: BLE001
            told = self._told(error)
            await self._close(told.close_code, told.detail)
        else:
            self._start()

    async def websocket_disconnect(self, _: Mapping[str, Any]) -> None:
        """The client is gone: stop at once."""
        raise StopConsumer

    def close_code(self, ending: StreamEnd) -> int:
        """With which code to close when the stream is over."""
        return CLOSE_CODES[ending]

    def _start(self) -> None:
        task = self._speak() if self._end is None else self._close(*self._end)
        self._sender = asyncio.create_task(task)

    def _end_early(self, code: int, reason: str) -> None:
        """Send nothing more, whatever has been written; once it was let in, close."""
        self._end = (code, reason)
        if self._patience is not None:
            # It has not brought its key yet.
            self._stop_waiting()
            self._start()
        elif self._sender is not None:
            self._sender.cancel()
            self._start()

    async def _speak(self) -> None:
        try:
            await self.speak()
        except StreamEnded as end:
            await self._close(self.close_code(end.ending), end.ending.value)
        except OSError as error:
            logger.debug("A subscriber is gone: %s", error)
            await self._close(1011, "Connection lost")
        except Exception as error:  # noqa: BLE001
            told = self._told(error)
            await self._close(told.close_code, told.detail)
        finally:
            await self.leave()

    async def _hear(self, message: Mapping[str, Any]) -> None:
        try:
            await self.hear(message)
        except Exception as error:  # noqa: BLE001
            told = self._told(error)
            self._end_early(told.close_code, told.detail)

    def _told(self, error: Exception) -> ServiceError:
        return service_error(error, self.scope.get("path"))

    async def _deny(self, error: ServiceError) -> None:
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
        reason = reason.encode()[:REASON_BYTES].decode(errors="ignore")
        try:
            await self.send({"type": "websocket.close", "code": code, "reason": reason})
        except OSError as error:
            logger.debug("A subscriber was gone before it was closed: %s", error)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        error = BadFirstMessage(f"No auth message within {self.first_message_seconds:g} seconds")
        self._sender = asyncio.create_task(self._close(error.close_code, error.detail))
