"""One WebSocket on one stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from access.errors import ServiceError, Unauthorized
from tiled_client.wire.messages import schema_message

from . import envelope, frames
from .admission import Watched, admit, needs_credentials
from .config import required_cache
from .entries import Entry, Form
from .handshake import BadFirstMessage, Envelope, Handshake, first_message_key, reference_uri
from .hub import Ending
from .reader import Reader, current_reader
from .subscriber import StreamEnded, Subscriber

logger = logging.getLogger(__name__)

FIRST_MESSAGE_SECONDS = 10.0
# A server that never has to wait to send would otherwise serve one subscriber only.
TURN = 64
REASON_BYTES = 123
CLOSE_CODES = {Ending.CLOSED: 1000, Ending.DELETED: 1000, Ending.LOST: 1012}


class StreamConsumer(AsyncConsumer):
    """Admits, subscribes, and then sends: the schema, and one update after the other.

    Without credentials, where they are needed, the first message has to bring them.
    """

    # What ends a stream comes through the stream itself.
    channel_layer_alias = ""

    handshake: Handshake
    watched: Watched
    _reader: Reader
    _subscriber: Subscriber | None = None
    _sender: asyncio.Task[None] | None = None
    _patience: asyncio.TimerHandle | None = None

    def __init__(self, first_message_seconds: float = FIRST_MESSAGE_SECONDS) -> None:
        self.first_message_seconds = first_message_seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Run one connection."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stop_waiting()
            if self._sender is not None:
                self._sender.cancel()
            await self._leave()

    async def dispatch(self, message: Mapping[str, Any]) -> None:
        """Hand a message to its method. No database connection is held here that could be old."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Accept or deny; what can be known before is known before."""
        try:
            self.handshake = Handshake.read(self.scope)
            required_cache()
            waits = self.handshake.key is None and needs_credentials()
            if not waits:
                await self._subscribe(self.handshake.key)
        except ServiceError as error:
            await self._deny(error)
            return
        await self.send({"type": "websocket.accept"})
        if waits:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(self.first_message_seconds, self._lose_patience)
        else:
            self._start()

    async def websocket_receive(self, message: Mapping[str, Any]) -> None:
        """Take the first message of a connection without credentials; ignore all others."""
        if self._patience is None:
            return
        self._stop_waiting()
        try:
            await self._subscribe(first_message_key(message.get("text")))
        except Unauthorized as error:
            await self._close(error.close_code, "Authentication failed")
        except ServiceError as error:
            await self._close(error.close_code, error.detail)
        except Exception:
            logger.exception("Subscribing failed")
            await self._close(1011, "Internal error")
        else:
            self._start()

    async def websocket_disconnect(self, _: Mapping[str, Any]) -> None:
        """The client is gone: stop at once."""
        raise StopConsumer

    async def _subscribe(self, key: str | None) -> None:
        handshake = self.handshake
        self.watched = await database_sync_to_async(admit)(handshake.path, key)
        self._reader = current_reader()
        # Before the schema is sent, so that nothing written after that is missed.
        self._subscriber = await self._reader.subscribe(
            self.watched.uuid, handshake.start, handshake.epoch
        )

    def _start(self) -> None:
        self._sender = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        assert self._subscriber is not None
        try:
            await self._send_form(self._schema(self._subscriber))
            await self._send_updates(self._subscriber)
        except StreamEnded as end:
            await self._close(CLOSE_CODES[end.ending], end.ending.value)
        except OSError as error:
            logger.debug("A subscriber is gone: %s", error)
            await self._close(1011, "Connection lost")
        except Exception:
            logger.exception("A subscription to %s failed", self.handshake.path)
            await self._close(1011, "Internal error")
        finally:
            await self._leave()

    async def _send_updates(self, subscriber: Subscriber) -> None:
        sent = 0
        while True:
            entry = await subscriber.next()
            await self._send_form(await self._form(entry))
            sent += 1
            if sent % TURN == 0:
                await asyncio.sleep(0)

    async def _form(self, entry: Entry) -> Form:
        refers = frames.is_reference(entry.frame)
        if self.handshake.envelope is Envelope.json:
            name = f"json {self.handshake.base_url}" if refers else "json"
            return await entry.form(name, self._to_json)
        if refers:
            return await entry.form(f"msgpack {self.handshake.base_url}", self._with_uri)
        return entry.frame

    def _with_uri(self, frame: bytes) -> bytes:
        handshake = self.handshake
        uri = reference_uri(handshake.base_url, handshake.path, frames.decode(frame))
        return frames.with_key(frame, "uri", uri)

    def _to_json(self, frame: bytes) -> str:
        whole = self._with_uri(frame) if frames.is_reference(frame) else frame
        return envelope.to_json(whole, self.watched.structure)

    def _schema(self, subscriber: Subscriber) -> Form:
        cursor = subscriber.cursor
        schema = {
            **schema_message(self.watched.structure),
            "epoch": cursor.epoch,
            # So that who asked for what comes from now on can resume before anything has come.
            "sequence": cursor.joined.sequence,
        }
        if self.handshake.envelope is Envelope.json:
            return envelope.dumps(schema)
        return frames.encode(schema)

    async def _send_form(self, form: Form) -> None:
        kind = "text" if isinstance(form, str) else "bytes"
        await self.base_send({"type": "websocket.send", kind: form})

    async def _deny(self, error: ServiceError) -> None:
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            await self.send({"type": "websocket.close"})
            return
        headers = {"Content-Type": "application/json", **error.headers}
        pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        body = envelope.dumps({"detail": error.detail}).encode()
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

    async def _leave(self) -> None:
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await self._reader.leave(subscriber)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        error = BadFirstMessage(f"No auth message within {self.first_message_seconds:g} seconds")
        self._sender = asyncio.create_task(self._close(error.close_code, error.detail))


class NoSuchStream(AsyncConsumer):
    """Refuses what is no stream's address."""

    channel_layer_alias = ""

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Refuse, which is a bare 403."""
        await self.send({"type": "websocket.close"})

    async def websocket_disconnect(self, _: Mapping[str, Any]) -> None:
        """Done."""
        raise StopConsumer
