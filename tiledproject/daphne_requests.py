"""HTTP requests of the development server: bodies stay where they were put, answers wait for room.

Daphne as it comes takes a body from its temporary file into memory, all at once, and writes an
answer as fast as it is made.
"""

from __future__ import annotations

import io
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.internet.interfaces import IAddress

from .bodies import ARRIVED
from .room import Room


class PatientRequest(WebRequest):
    """One HTTP request of the development server, and the answer to it."""

    content: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room = Room()

    def hand_over(self, scope: dict[str, Any]) -> None:
        """Let the application have the body as the file that it is in."""
        scope.setdefault("extensions", {})[ARRIVED] = {"file": self.content}
        self.content = io.BytesIO()

    def handle_reply(self, message: dict[str, Any]) -> None:
        """Send what the application says; from the first piece on, know when there is room."""
        if message["type"] == "http.response.body":
            message = {**message, "body": bytes(message.get("body", b""))}
            more, there = message.get("more_body", False), self.channel is not None
            if more and there and self.producer is None:
                self.registerProducer(self.room, True)
            elif not more and there and self.producer is self.room:
                self.unregisterProducer()
        super().handle_reply(message)

    def handle_exception(self, exception: Exception) -> None:
        """The application failed: say so, or, where it had begun to answer, cut the connection."""
        if not self._response_started:
            super().handle_exception(exception)
        elif self.channel is not None:
            self.channel.abortConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """Keep nobody waiting who has something to send."""
        self.room.stopProducing()
        super().connectionLost(reason)


def patient(build: Any) -> Any:
    """A factory's method `buildProtocol`, for connections whose requests are patient."""

    def build_protocol(address: IAddress) -> Any:
        protocol = build(address)
        protocol.requestFactory = PatientRequest
        return protocol

    return build_protocol
