"""What one request was and took, for metrics and traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any

from .endpoints import UNKNOWN
from .handlers import Headers, PreparedResponse
from .request_metrics import DURATION, RESPONSE_SIZE, method_label
from .tracing import RequestTracer

# Of a request whose client was gone before there was a response. Source: nginx.
CLIENT_CLOSED = 499
PREFLIGHT = 100
BODY = "http.response.body"

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class RequestMeasurement:
    """Measures one request from its head on. Its response is recorded once."""

    __slots__ = ("_began", "_code", "_endpoint", "_method", "_recorded", "_span")

    def __init__(self, scope: dict[str, Any], tracer: RequestTracer | None = None) -> None:
        self._method = method_label(scope["method"])
        self._began = perf_counter()
        self._recorded = False
        self._span = None if tracer is None else tracer.start(scope)

    def answered(self, answer: PreparedResponse, size: int | None = None) -> None:
        """Record the response, now that it is ready; its `size` is None until it is sent.

        The response to a preflight is not one to the request, which follows.
        """
        if not self._recorded and answer.status != PREFLIGHT:
            self._record(answer.status, answer.endpoint, answer.headers)
            if size is not None:
                self.sent(size)

    def sent(self, size: int) -> None:
        """Record the size of the response, in bytes."""
        RESPONSE_SIZE.labels(self._method, self._code, self._endpoint).observe_alone(size)

    def measuring(self, send: Send) -> Send:
        """Return `send`, which records the size of a response in chunks with the last of them."""
        size = 0

        async def measured(message: Mapping[str, Any]) -> None:
            nonlocal size
            size += memoryview(message.get("body", b"")).nbytes
            await send(message)
            if message["type"] == BODY and not message.get("more_body", False):
                self.sent(size)

        return measured

    def abandoned(self) -> None:
        """Record that the client was gone before there was a response."""
        if not self._recorded:
            self._record(CLIENT_CLOSED, UNKNOWN, [])

    def end(self) -> None:
        """End the measurement: the response was sent."""
        # The span of a preflight has no response, and is not sent.
        if self._span is not None and self._recorded:
            self._span.end()

    def _record(self, status: int, endpoint: str, headers: Headers) -> None:
        self._recorded = True
        self._code, self._endpoint = str(status), endpoint
        seconds = perf_counter() - self._began
        # All requests of a process are answered on one event loop.
        DURATION.labels(self._method, self._code, endpoint).observe_alone(seconds)
        if self._span is not None:
            self._span.answered(status, endpoint, headers)
