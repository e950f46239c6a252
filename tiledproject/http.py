"""How a request reaches Django: whole, and in one hop to a kept thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from .bodies import ASKED, DROPPED, GO_ON, Bodies, Disconnected, NoRoom, Refused, TooLarge
from .handlers import Answer, RequestHandler, too_large
from .pieces import send_pieces
from .threads import RequestThreads

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

# In seconds; after that their threads end with the process.
LAST_REQUESTS = 2.0


class HttpApplication:
    """Django as an ASGI application for servers that have many small requests, and large ones.

    Nothing but memory, and that bounded, is spent on a client while its request is still arriving
    or its answer is still leaving. A client that goes away meanwhile is let go; a request that has
    arrived is carried out to its end.
    """

    def __init__(
        self, handler: RequestHandler, *, largest_body: int, folder: Path | None = None
    ) -> None:
        self._handler = handler
        self._threads = RequestThreads()
        self._bodies = Bodies(largest=largest_body, folder=folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        extensions = scope.get("extensions") or {}
        try:
            if ASKED in extensions or DROPPED in extensions:
                await self._admit(scope)
                if DROPPED in extensions:
                    raise NoRoom("The body was not taken in. Send it again.")
                await self._send(Answer(GO_ON, [], b""), send, receive)
                return
            body = await self._bodies.receive(scope, receive, partial(self._admit, scope))
        except Disconnected:
            return
        except TooLarge as error:
            await self._send(too_large(error, scope), send, receive)
            return
        except Refused as refused:
            await self._send(refused.args[0], send, receive)
            return
        try:
            answer = await self._threads.run(self._handler.answer, scope, body)
        finally:
            body.close()
        await self._send(answer, send, receive)

    async def _admit(self, scope: Scope) -> None:
        """Raise Refused if who asks may not bring a large body."""
        refusal = await self._threads.run(self._handler.refusal, scope)
        if refusal is not None:
            raise Refused(refusal)

    async def finish(self) -> None:
        """Let requests that nobody waits for any more come to their end, for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_REQUESTS):
                await self._threads.idle()

    async def _send(self, answer: Answer, send: Send, receive: Receive) -> None:
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.stream is not None:
            await send_pieces(answer.stream, start, send, receive, self._threads)
            return
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})
