"""How a request reaches Django: on one kept thread, in one hop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

KEPT_THREADS = 16


class RequestThreads:
    """Lends each request a thread that lives on after it, and with it its database connection.

    Django would start a new thread, and connect anew, for every request. There is no upper bound,
    so that a slow client keeps nobody waiting; at most `kept` idle threads are kept.
    """

    def __init__(self, application: Application, kept: int = KEPT_THREADS) -> None:
        self.application = application
        self.kept = kept
        self._idle: list[ThreadPoolExecutor] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request on a thread of its own."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(max_workers=1)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.application(scope, receive, send)
        finally:
            self._take_back(thread)

    def _take_back(self, thread: ThreadPoolExecutor) -> None:
        if len(self._idle) < self.kept:
            self._idle.append(thread)
        else:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


class WholeRequestHandler(ASGIHandler):
    """Runs middleware and view together on the request's thread.

    Django's own handler goes to the thread and back for every middleware, which costs more than
    most requests here; none of our views is asynchronous.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response to `request`."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
