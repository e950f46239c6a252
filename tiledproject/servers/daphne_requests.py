"""HTTP requests of the development server, with backpressure and file-backed bodies.

Daphne by itself reads a body from its temporary file into memory, writes a response without
waiting, and receives the whole body before the application sees the request.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from daphne.http_protocol import WebRequest
from twisted.internet.interfaces import IAddress

from ..http.asgi_extensions import BUFFERED, CONTINUE, DISCARDED, ON_DISCONNECT, PREFLIGHT
from ..http.request_bodies import MAX_BODY_MEMORY_BYTES
from .backpressure import WriteGate


class BackpressureRequest(WebRequest):
    """One HTTP request of the development server, and its response."""

    content: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = WriteGate()
        self._received = 0
        self._preflight: asyncio.Future[None] | None = None
        self._discarded = False
        self._on_lost: Callable[[], None] | None = None

    def gotLength(self, length: int | None) -> None:  # noqa: N802
        """Begin to receive a body; a large one only after the preflight has accepted it."""
        super().gotLength(length)
        if (length or 0) > MAX_BODY_MEMORY_BYTES:
            self._start_preflight()

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """Receive more of the body; discard it if it was rejected."""
        self._received += len(data)
        if self._received > MAX_BODY_MEMORY_BYTES and self._preflight is None:
            self._start_preflight()
        if not self._discarded:
            super().handleContentChunk(data)

    def attach_body(self, scope: dict[str, Any]) -> None:
        """Pass the body to the application as the file that contains it."""
        extensions = scope.setdefault("extensions", {})
        extensions[BUFFERED] = {"file": self.content}
        extensions[ON_DISCONNECT] = {"set": self._set_on_lost}
        if self._discarded:
            extensions[DISCARDED] = {}
        self.content = io.BytesIO()

    def _set_on_lost(self, callback: Callable[[], None]) -> None:
        self._on_lost = callback

    def _start_preflight(self) -> None:
        """Pause reading until the application has decided about the body."""
        transport = self.channel.transport
        transport.pauseProducing()
        self._preflight = asyncio.ensure_future(self._run_preflight())
        self._preflight.add_done_callback(lambda _: transport.resumeProducing())

    async def _run_preflight(self) -> None:
        said: list[int] = []

        async def send(message: Mapping[str, Any]) -> None:
            said.append(message.get("status", 0))

        try:
            await self.server.application(self._preflight_scope(), _disconnected, send)
        finally:
            if CONTINUE not in said:
                self._discarded = True
                self.content.close()
                self.content = io.BytesIO()

    def _preflight_scope(self) -> dict[str, Any]:
        """Return the scope of this request, of which only the head has arrived."""
        path, _, query = self.channel._path.partition(b"?")
        peer = self.channel.getPeer()
        fields = self.requestHeaders.getAllRawHeaders()
        return {
            "type": "http",
            "http_version": "1.1",
            "method": self.channel._command.decode("latin-1"),
            "scheme": "http",
            "path": unquote(path.decode("latin-1")),
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, values in fields for value in values],
            "client": [str(peer.host), peer.port],
            "extensions": {PREFLIGHT: {}},
        }

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send a message of the application; register for backpressure with the first chunk."""
        if message["type"] == "http.response.body":
            message = {**message, "body": bytes(message.get("body", b""))}
            more, there = message.get("more_body", False), self.channel is not None
            if more and there and self.producer is None:
                self.registerProducer(self.gate, True)
            elif not more and there and self.producer is self.gate:
                self.unregisterProducer()
        super().handle_reply(message)

    def handle_exception(self, exception: Exception) -> None:
        """Return a 500 after a failure of the application; abort if the response has started."""
        if not self._response_started:
            super().handle_exception(exception)
        elif self.channel is not None:
            self.channel.abortConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """Release senders that wait for the lost connection."""
        self.gate.stopProducing()
        super().connectionLost(reason)
        if self._on_lost is not None:
            self._on_lost()


async def _disconnected() -> Mapping[str, Any]:
    return {"type": "http.disconnect"}


def backpressure_factory(build: Any) -> Any:
    """Return a `buildProtocol` whose connections use BackpressureRequest."""

    def build_protocol(address: IAddress) -> Any:
        protocol = build(address)
        protocol.requestFactory = BackpressureRequest
        return protocol

    return build_protocol
