"""Answers the server that asks whether the application is up."""

from __future__ import annotations

from .http import Receive, Scope, Send


class Lifespan:
    """The lifespan part of ASGI; there is nothing to start before the first connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say yes to start-up and to shut-down."""
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
