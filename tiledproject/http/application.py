"""ASGI application that passes complete requests to Django in pooled threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from access.authentication.client_address import SCOPE_ADDRESS
from core.budgets import Budgets, budgets
from core.cancellation import NEVER, CancellationToken, Cancelled
from core.errors import ServiceError, TooMany
from core.request_record import SCOPE_KEY

from ..config.budgets import BudgetSettings
from .asgi_extensions import CONTINUE, DISCARDED, ON_DISCONNECT, PREFLIGHT
from .handlers import PreparedResponse, RequestHandler, body_error_response, service_error_response
from .request_bodies import (
    BodyReceiver,
    BodyRejected,
    BodyTooLarge,
    Disconnected,
    InsufficientStorage,
)
from .request_measurement import RequestMeasurement
from .request_metrics import (
    ANSWER_BYTES,
    BODIES,
    BODY_MEMORY,
    IN_PROGRESS,
    QUEUED,
    SHARE_RUNNING,
    SHARE_WAITING,
    TEMPORARY_BYTES,
    TEMPORARY_FILES,
    THREADS,
)
from .streaming_responses import send_stream
from .thread_pool import ThreadPool
from .thread_shares import ThreadShare, ThreadShares
from .tracing import RequestTracer

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

# In seconds; after that their threads end with the process.
SHUTDOWN_SECONDS = 2.0
# Writes are completed even if the client has disconnected: it cannot know how far they were.
CANCELLABLE_METHODS = ("GET", "HEAD")
# Counting a smaller response costs more than the response.
SMALL_RESPONSE_BYTES = 1 << 16
# Two chunks of a streamed response.
STREAM_RESPONSE_BYTES = 2 << 20


class HttpApplication:
    """Django as an ASGI application for many small requests, and for large ones.

    A request that is still arriving, or a response that is still being sent, occupies only bounded
    memory, and no thread. A request that reads is cancelled when its client disconnects; a write
    that has arrived is completed.
    """

    def __init__(
        self,
        handler: RequestHandler,
        *,
        max_body_bytes: int,
        folder: Path | None = None,
        limits: BudgetSettings | None = None,
        tracer: RequestTracer | None = None,
    ) -> None:
        limits = limits or BudgetSettings()
        self._handler = handler
        self._threads = ThreadPool()
        self._budgets: Budgets = budgets()
        self._bodies = BodyReceiver(largest=max_body_bytes, folder=folder, budgets=self._budgets)
        self._shares = ThreadShares(limits)
        self._most_of_address = limits.requests_per_address
        self._by_address: dict[str, int] = {}
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        address = scope.get(SCOPE_ADDRESS, "")
        under_way = self._by_address.get(address, 0) + 1
        self._by_address[address] = under_way
        measured = RequestMeasurement(scope, self._tracer)
        try:
            if address and under_way > self._most_of_address:
                raise TooMany(
                    "Too many concurrent requests from this address "
                    "(budgets.requests_per_address). Try again soon."
                )
            await self._answer(scope, receive, send, measured)
        except (Disconnected, Cancelled):
            measured.abandoned()
        except BodyTooLarge as error:
            await self._send(body_error_response(error, scope), send, receive, measured)
        except BodyRejected as error:
            await self._send(error.args[0], send, receive, measured)
        except ServiceError as error:
            await self._send(service_error_response(error, scope), send, receive, measured)
        finally:
            measured.end()
            left = self._by_address[address] - 1
            if left:
                self._by_address[address] = left
            else:
                del self._by_address[address]

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, measured: RequestMeasurement
    ) -> None:
        extensions = scope.get("extensions") or {}
        if PREFLIGHT in extensions or DISCARDED in extensions:
            await self._preflight(scope)
            if DISCARDED in extensions:
                raise InsufficientStorage("The body was discarded. Send it again.")
            await self._send(PreparedResponse(CONTINUE, [], b""), send, receive, measured)
            return
        body = await self._bodies.receive(scope, receive, partial(self._preflight, scope))
        share, token = self._shares.of(scope), _token(scope, extensions)
        start = time.perf_counter()
        try:
            await share.acquire(scope.get(SCOPE_ADDRESS, ""))
            try:
                answer = await self._threads.run(self._handler.answer, scope, body, token=token)
            finally:
                share.release()
        finally:
            body.close()
            if SCOPE_KEY in scope:
                scope[SCOPE_KEY].handling_seconds = time.perf_counter() - start
        address = scope.get(SCOPE_ADDRESS, "")
        await self._send(answer, send, receive, measured, share, token, address)

    async def _preflight(self, scope: Scope) -> None:
        """Raise BodyRejected if the principal may not send a large body."""
        refusal = await self._threads.run(self._handler.preflight_body, scope)
        if refusal is not None:
            raise BodyRejected(refusal)

    def sample(self) -> None:
        """Measure what the requests of this process use, for metrics."""
        IN_PROGRESS.set(sum(self._by_address.values()))
        threads = self._threads.usage()
        THREADS.labels("busy").set(threads.busy)
        THREADS.labels("idle").set(threads.idle)
        QUEUED.set(threads.waiting)
        for share in self._shares.all():
            SHARE_RUNNING.labels(share.name).set(share.running)
            SHARE_WAITING.labels(share.name).set(share.waiting)
        BODIES.set(self._bodies.arriving)
        BODY_MEMORY.set(self._bodies.used)
        TEMPORARY_FILES.set(self._budgets.temporary_files.used)
        TEMPORARY_BYTES.set(self._budgets.temporary_bytes.used)
        ANSWER_BYTES.set(self._budgets.answer_bytes.used)

    async def finish(self) -> None:
        """Wait for a while until requests whose clients are gone have finished."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                await self._threads.idle()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    async def _send(
        self,
        answer: PreparedResponse,
        send: Send,
        receive: Receive,
        measured: RequestMeasurement,
        share: ThreadShare | None = None,
        token: CancellationToken = NEVER,
        address: str = "",
    ) -> None:
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        if answer.stream is not None:
            measured.answered(answer)
            send = measured.measuring(send)
            await self._send_stream(answer.stream, start, send, receive, share, token, address)
            return
        size = memoryview(answer.body).nbytes
        measured.answered(answer, size)
        if size <= SMALL_RESPONSE_BYTES:
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
        share: ThreadShare | None,
        token: CancellationToken,
        address: str,
    ) -> None:
        async def make(function: Callable[..., Any], *arguments: Any) -> Any:
            if share is None:
                return await self._threads.run(function, *arguments, token=token)
            await share.acquire(must=True)
            try:
                return await self._threads.run(function, *arguments, token=token)
            finally:
                share.release()

        try:
            self._budgets.answer_bytes.acquire(STREAM_RESPONSE_BYTES, address)
        except ServiceError:
            await self._threads.run(stream.close)
            raise
        try:
            await send_stream(stream, start, send, receive, self._threads, make)
        finally:
            self._budgets.answer_bytes.release(STREAM_RESPONSE_BYTES, address)


def _token(scope: Scope, extensions: Mapping[str, Any]) -> CancellationToken:
    """Return the token of a request, cancelled when its connection is lost."""
    on_lost = extensions.get(ON_DISCONNECT)
    if on_lost is None or scope["method"] not in CANCELLABLE_METHODS:
        return NEVER
    token = CancellationToken()
    on_lost["set"](token.cancel)
    return token
