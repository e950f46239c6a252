"""Request IDs of WebSockets, in the response to the handshake and in log lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from . import request_ids

Application = Callable[[Any, Any, Any], Awaitable[None]]
ANSWERS = {"websocket.accept", "websocket.http.response.start"}


class RequestIdMiddleware:
    """ASGI middleware that gives each WebSocket a request ID."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Assign an ID to the connection, then call the application."""
        name = request_ids.request_id(scope["headers"])
        header = (request_ids.NAME, name.encode())

        async def named(message: dict[str, Any]) -> None:
            if message["type"] in ANSWERS:
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        request_ids.current.set(name)
        await self._application(scope, receive, named)
