"""Blocking transport: `requests`, and worker threads for several requests at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from typing import Any, TypeVar

from ..progress.operations import track
from ..settings import HttpOptions
from .connection_pool import ConnectionPool
from .network_errors import translating_network_errors
from .operations import run
from .receiving import receive_into
from .request import Request
from .responses import MemorySink, Response
from .transfers import count_chunks, count_upload, expect_upload, read_body
from .transport import CHUNK_BYTES, Sink

T = TypeVar("T")
R = TypeVar("R")


class RequestsTransport:
    """The transport of the blocking client. Thread-safe; its coroutines never suspend."""

    def __init__(self, options: HttpOptions) -> None:
        self.options = options
        self._connections = ConnectionPool(options)

    @property
    def has_zstd(self) -> bool:
        """Whether responses in Zstandard can be decoded."""
        from urllib3 import response

        return response.HAS_ZSTD

    async def exchange(
        self, request: Request, credentials: Mapping[str, str], sink: Sink | None = None
    ) -> Response:
        """Make one attempt; see `Transport`."""
        expect_upload(request)
        with translating_network_errors(request), self._open(request, credentials) as received:
            response = Response(received.status_code, received.headers, b"", received.url)
            raw = received.raw
            if sink is None or response.status >= 400:
                count_upload(request)
                return response.with_content(read_body(request, raw, received.headers))
            sink.begin(response)
            if "Content-Encoding" in received.headers:
                chunks = raw.stream(CHUNK_BYTES, decode_content=True)
            else:
                if isinstance(sink, MemorySink):
                    receive_into(raw, sink.next_memory)
                # read1 returns what has arrived, so that it is kept if the connection breaks next.
                chunks = iter(lambda: raw.read1(CHUNK_BYTES), b"")
            for chunk in count_chunks(chunks, received.headers):
                sink.write(chunk)
            return response

    async def sleep(self, seconds: float) -> None:
        """Wait in this thread."""
        time.sleep(seconds)  # noqa: ASYNC251 - it blocks on purpose

    async def map(
        self, function: Callable[[T], Coroutine[Any, Any, R]], items: Sequence[T]
    ) -> list[R]:
        """Return `function` of each item, computed by a few threads; raises the first error."""
        return self.map_blocking(lambda item: run(function(item)), items)

    async def call(self, function: Callable[[], R]) -> R:
        """Call a function."""
        return function()

    def map_blocking(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return `function` of each item, computed by a few threads; raises the first error."""
        if len(items) == 1:
            return [function(items[0])]
        workers = self.pool().workers
        with track(self.options.progress, parts=len(items)):
            # With the context, so that the requests of all threads are parts of one operation.
            futures = [workers.submit(copy_context().run, function, item) for item in items]
            try:
                return [future.result() for future in futures]
            finally:
                for future in futures:
                    future.cancel()

    def pool(self) -> ConnectionPool:
        """Return the connections and threads of this process."""
        if self._connections.process != os.getpid():
            # Connections and threads do not survive a fork: using the parent's would corrupt both.
            self._connections = ConnectionPool(self.options)
        return self._connections

    def close_session(self) -> None:
        """Close the connections of this thread, which is about to end."""
        self.pool().close_session()

    def _open(self, request: Request, credentials: Mapping[str, str]) -> Any:
        """Send a request, and return its `requests.Response` with the body still to be read."""
        options, left = self.options, request.seconds
        timeout = (min(options.connect_timeout, left), min(options.read_timeout, left))
        return (
            self.pool()
            .session()
            .request(
                request.method,
                request.url,
                params=request.params,
                headers={**request.headers, **credentials},
                data=request.body,  # type: ignore[arg-type]
                timeout=timeout,
                verify=self.options.verify,
                stream=True,
            )
        )
