"""Daphne with backpressure and graceful WebSocket close, used by runserver.

Daphne by itself sends without waiting, so that one stalled subscriber fills the memory; aborts a
connection one second after closing it, and loses unsent messages; rejects every handshake with a
bare 403; and drops headers of an accepted handshake, close reasons, empty frames and the Date
header.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from django.utils.http import http_date
from twisted.internet import defer, reactor, task

from .backpressure import WriteGate
from .daphne_requests import BackpressureRequest, backpressure_factory
from .metrics_listener import listening
from .startup_banner import startup_banner
from .uvicorn_websocket import INTAKE

logger = logging.getLogger(__name__)

# A subscriber that is far behind must receive all pending data before it can answer a close.
CLOSE_TIMEOUT = 300
# A client that is disconnected for an invalid message has less time.
FAILED_TIMEOUT = 10
PONG_TIMEOUT = 120
HANDSHAKE_TIMEOUT = 30
# Subscribers send only credentials and subscriptions.
MAX_MESSAGE_BYTES = 8 * 1024
BODY_CHUNK_BYTES = 1024 * 1024
# Time to send the last frames before the process ends.
CLOSE_FLUSH_SECONDS = 0.2


class BackpressureProtocol(WebSocketProtocol):
    """One WebSocket of the development server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = WriteGate()
        self.denial: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self.denial_body = b""
        self.accepted_with: dict[str, str] = {}
        self.max_message_bytes = MAX_MESSAGE_BYTES

    def onConnect(self, request: Any) -> Any:  # noqa: N802
        """Begin a handshake. No subprotocol is chosen, and undecodable ones are ignored."""
        if not request.headers.get("sec-websocket-protocol", "").isascii():
            del request.headers["sec-websocket-protocol"]
        return super().onConnect(request)

    def serverAccept(self, subprotocol: str | None = None) -> None:  # noqa: N802
        """Open the WebSocket, and register for backpressure of its transport."""
        super().serverAccept((subprotocol, self.accepted_with))
        # The HTTP connection that was upgraded is still registered there.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.gate, True)

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Process a message of the application."""
        match message["type"]:
            case "websocket.accept":
                fields = message.get("headers", ())
                self.accepted_with = {name.decode(): value.decode() for name, value in fields}
                self.serverAccept(message.get("subprotocol"))
            case "websocket.send" if message.get("bytes") is not None:
                self.serverSend(message["bytes"], True)
            case "websocket.send":
                self.serverSend(message["text"], False)
            case "websocket.close" if self.state != self.STATE_CONNECTING:
                self._close(message.get("code") or 1000, message.get("reason") or "")
            case "websocket.http.response.start":
                self.denial = (message["status"], list(message.get("headers", [])))
            case "websocket.http.response.body":
                self.denial_body += message.get("body", b"")
                if not message.get("more_body", False):
                    self._deny()
            case "websocket.close":
                # The same reason as uvicorn's.
                self.denial = (403, [(b"content-type", b"text/plain; charset=utf-8")])
                self._deny()
            case _:
                super().handle_reply(message)

    def close_for_shutdown(self) -> None:
        """Close the connection because the server stops."""
        if self.state == self.STATE_OPEN:
            self._close(1012, "")

    def handle_exception(self, exception: Exception) -> None:
        """Report a failure of the application, by a status or a close frame."""
        if self.state != self.STATE_CONNECTING:
            self._close(1011, "")
        elif hasattr(self, "handshake_deferred"):
            self.denial = (500, [])
            self._deny()

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802
        """Close the connection if a message is too large, and discard the rest of it."""
        super().onMessageFrameBegin(length)
        if self.message_data_total_length > self.max_message_bytes and not self.failedByMe:
            self.closeHandshakeTimeout = FAILED_TIMEOUT
            self._fail_connection(1009, f"A message may have {self.max_message_bytes} bytes")

    def limit_messages(self, size: int) -> None:
        """Accept messages of up to `size` bytes, of a client that is authorized to write."""
        self.max_message_bytes = size

    def pause(self) -> None:
        """Read nothing more: Daphne would queue it without a limit."""
        self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on, if the connection is not closed."""
        if self.state != self.STATE_CLOSED:
            self.transport.resumeProducing()

    def _close(self, code: int, reason: str) -> None:
        # The public method knows fewer codes than the standard.
        self.sendCloseFrame(code=code, reasonUtf8=reason.encode()[:123])

    def _deny(self) -> None:
        """Reject the handshake with the status and body of the application."""
        assert self.denial is not None
        status, headers = self.denial
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
        lines += [name + b": " + value for name, value in headers]
        if not any(name.lower() == b"content-length" for name, _ in headers):
            lines.append(b"content-length: %d" % len(self.denial_body))
        lines.append(b"connection: close")
        self.sendData(b"\r\n".join(lines) + b"\r\n\r\n" + self.denial_body)
        self.wasNotCleanReason = f"handshake refused with {status}"
        del self.handshake_deferred
        self.dropConnection(abort=False)
        self.server.protocol_disconnected(self)
        details = {"path": self.request.path, "client": ":".join(map(str, self.client_addr or []))}
        self.server.log_action("websocket", "rejected", details)


class BackpressureServer(Server):
    """Daphne's server, for `runserver`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["websocket_handshake_timeout"] = HANDSHAKE_TIMEOUT
        patience = {
            # A subscription may be open for months.
            "websocket_timeout": -1,
            "websocket_connect_timeout": HANDSHAKE_TIMEOUT,
            "ping_timeout": PONG_TIMEOUT,
            "request_buffer_size": BODY_CHUNK_BYTES,
        }
        super().__init__(*args, **{**kwargs, **patience})
        self.failure: str | None = None

    def run(self) -> None:
        """Run until stopped. Raises SystemExit with a sentence if the address is in use."""
        reactor.callWhenRunning(self._use_backpressure)
        with listening(settings.TILED.metrics):
            super().run()
        if self.failure:
            raise SystemExit(self.failure)

    def _use_backpressure(self) -> None:
        self.ws_factory.protocol = BackpressureProtocol
        self.http_factory.buildProtocol = backpressure_factory(self.http_factory.buildProtocol)
        self.ws_factory.setProtocolOptions(closeHandshakeTimeout=CLOSE_TIMEOUT, failByDrop=False)

    def listen_success(self, port: Any) -> None:
        """Print the address of the server."""
        super().listen_success(port)
        address = port.getHost()
        print(startup_banner(settings.TILED, address.host, address.port), flush=True)

    def listen_error(self, failure: Any) -> None:
        """Store the reason for the end of `run`."""
        self.failure = f"The server cannot listen: {failure.getErrorMessage()}"
        self.stop()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application, with the extension for rejecting handshakes."""
        if scope["type"] == "websocket":
            scope["extensions"] = {
                "websocket.http.response": {},
                INTAKE: {
                    "limit": protocol.limit_messages,
                    "pause": protocol.pause,
                    "resume": protocol.resume,
                },
            }
        elif isinstance(protocol, BackpressureRequest):
            protocol.attach_body(scope)
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Pass on a message of the application as soon as the connection has room for it."""
        if message["type"] in {"websocket.send", "websocket.close", "http.response.body"}:
            await protocol.gate.wait()
        elif message["type"] == "http.response.start":
            date = (b"Date", http_date().encode())
            message = {**message, "headers": [*message.get("headers", ()), date]}
        await super().handle_reply(protocol, message)

    def kill_all_applications(self) -> Any:
        """Cancel all running applications, and close their WebSockets.

        A connection that is still closing has no application any more.
        """
        running = [
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details
        ]
        for application in running:
            application.cancel()
        waiting = defer.Deferred.fromFuture(asyncio.gather(*running, return_exceptions=True))
        waiting.addErrback(lambda failure: None)
        return waiting.addCallback(lambda _: self._close_for_shutdown())

    def _close_for_shutdown(self) -> Any:
        leaving = [one for one in self.connections if isinstance(one, BackpressureProtocol)]
        for protocol in leaving:
            protocol.close_for_shutdown()
        return task.deferLater(reactor, CLOSE_FLUSH_SECONDS if leaving else 0.0, lambda: None)
