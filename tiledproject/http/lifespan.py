"""ASGI lifespan protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from .application import Receive, Scope, Send


class Lifespan:
    """The lifespan part of ASGI; there is nothing to start before the first connection."""

    def __init__(self, at_the_end: Callable[[], Awaitable[None]]) -> None:
        self._at_the_end = at_the_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Confirm start-up at once, and shutdown after the clean-up."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._at_the_end()
        await send({"type": "lifespan.shutdown.complete"})
