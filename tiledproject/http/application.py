"""How a request reaches Django: whole, and in one hop to a kept thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from access.authentication.client_address import SCOPE_ADDRESS
from core.budgets import Budgets, budgets
from core.cancellation import NEVER, CancellationToken, Cancelled
from core.errors import ServiceError, TooMany

from ..config.budgets import BudgetSettings
from ..servers.uvicorn_http import ON_LOST
from .handlers import Answer, RequestHandler, refused, too_large
from .request_bodies import ASKED, DROPPED, GO_ON, Bodies, Disconnected, NoRoom, Refused, TooLarge
from .streaming_responses import send_pieces
from .thread_pool import RequestThreads
from .thread_shares import Share, Shares

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

# In seconds; after that their threads end with the process.
LAST_REQUESTS = 2.0
# What is changed is carried out to its end; only who asks can say whether it still counts.
CANCELLABLE = ("GET", "HEAD")
# An answer that is not larger costs less than to count it.
SMALL_ANSWER = 1 << 16
# Two pieces of an answer that is made while it is sent.
ANSWER_IN_PIECES = 2 << 20


class HttpApplication:
    """Django as an ASGI application for servers that have many small requests, and large ones.

    Nothing but memory, and that bounded, is spent on a client while its request is still arriving
    or its answer is still leaving. The work on a request that reads is cancelled when its client
    goes away; one that writes is carried out to its end once it has arrived.
    """

    def __init__(
        self,
        handler: RequestHandler,
        *,
        largest_body: int,
        folder: Path | None = None,
        limits: BudgetSettings | None = None,
    ) -> None:
        limits = limits or BudgetSettings()
        self._handler = handler
        self._threads = RequestThreads()
        self._budgets: Budgets = budgets()
        self._bodies = Bodies(largest=largest_body, folder=folder, budgets=self._budgets)
        self._shares = Shares(limits)
        self._most_of_address = limits.requests_per_address
        self._by_address: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        address = scope.get(SCOPE_ADDRESS, "")
        under_way = self._by_address.get(address, 0) + 1
        self._by_address[address] = under_way
        try:
            if address and under_way > self._most_of_address:
                raise TooMany(
                    "Too many requests from this address are under way "
                    "(budgets.requests_per_address). Try again soon."
                )
            await self._answer(scope, receive, send)
        except (Disconnected, Cancelled):
            return
        except TooLarge as error:
            await self._send(too_large(error, scope), send, receive)
        except Refused as error:
            await self._send(error.args[0], send, receive)
        except ServiceError as error:
            await self._send(refused(error, scope), send, receive)
        finally:
            left = self._by_address[address] - 1
            if left:
                self._by_address[address] = left
            else:
                del self._by_address[address]

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = scope.get("extensions") or {}
        if ASKED in extensions or DROPPED in extensions:
            await self._admit(scope)
            if DROPPED in extensions:
                raise NoRoom("The body was not taken in. Send it again.")
            await self._send(Answer(GO_ON, [], b""), send, receive)
            return
        body = await self._bodies.receive(scope, receive, partial(self._admit, scope))
        share, token = self._shares.of(scope), _token(scope, extensions)
        try:
            await share.enter(scope.get(SCOPE_ADDRESS, ""))
            try:
                answer = await self._threads.run(self._handler.answer, scope, body, token=token)
            finally:
                share.leave()
        finally:
            body.close()
        address = scope.get(SCOPE_ADDRESS, "")
        await self._send(answer, send, receive, share, token, address)

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

    async def _send(
        self,
        answer: Answer,
        send: Send,
        receive: Receive,
        share: Share | None = None,
        token: CancellationToken = NEVER,
        address: str = "",
    ) -> None:
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.stream is not None:
            await self._send_stream(answer.stream, start, send, receive, share, token, address)
            return
        size = memoryview(answer.body).nbytes
        if size <= SMALL_ANSWER:
            await send(start)
            await send({"type": "http.response.body", "body": answer.body})
            return
        with self._budgets.answer_bytes.held(size, address):
            await send(start)
            await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            del answer
            # Waits until most of it has left.
            await send({"type": "http.response.body", "body": b""})

    async def _send_stream(
        self,
        stream: Any,
        start: Mapping[str, Any],
        send: Send,
        receive: Receive,
        share: Share | None,
        token: CancellationToken,
        address: str,
    ) -> None:
        async def make(function: Callable[..., Any], *arguments: Any) -> Any:
            if share is None:
                return await self._threads.run(function, *arguments, token=token)
            await share.enter(must=True)
            try:
                return await self._threads.run(function, *arguments, token=token)
            finally:
                share.leave()

        try:
            self._budgets.answer_bytes.take(ANSWER_IN_PIECES, address)
        except ServiceError:
            await self._threads.run(stream.close)
            raise
        try:
            await send_pieces(stream, start, send, receive, self._threads, make)
        finally:
            self._budgets.answer_bytes.give_back(ANSWER_IN_PIECES, address)


def _token(scope: Scope, extensions: Mapping[str, Any]) -> CancellationToken:
    """The token of a request, cancelled when its connection is lost."""
    on_lost = extensions.get(ON_LOST)
    if on_lost is None or scope["method"] not in CANCELLABLE:
        return NEVER
    token = CancellationToken()
    on_lost["set"](token.cancel)
    return token
