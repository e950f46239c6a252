"""Transport of the asyncio client: `aiohttp`, which is imported on first use."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from ..errors import TransportError
from ..optional import require_package
from ..settings import HttpOptions
from .network_errors import transport_error
from .request import Body, Request
from .responses import Response
from .tls import tls_context
from .transport import CHUNK_BYTES, Sink
from .user_agent import USER_AGENT

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
R = TypeVar("R")

MAX_REDIRECTS = 20
SEE_OTHER = 303
REDIRECTS = (301, 302, SEE_OTHER, 307, 308)
# Bodies up to this size are taken by the buffers of a connection at once.
BUFFERED_BYTES = 1 << 16
# Requests of one client at a time, whatever the number of tasks.
MAX_CONNECTIONS = 100


class AiohttpTransport:
    """The transport of the asyncio client, for the event loop that uses it first."""

    def __init__(self, options: HttpOptions) -> None:
        self.options = options
        self._aiohttp = require_package("aiohttp", "async")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._splitting = asyncio.Semaphore(options.connections)
        # The environment is slow to search.
        self._proxy = lru_cache(_proxy)

    @property
    def has_zstd(self) -> bool:
        """Whether responses in Zstandard can be decoded."""
        from aiohttp import compression_utils

        return bool(getattr(compression_utils, "HAS_ZSTD", False))

    async def exchange(
        self, request: Request, credentials: Mapping[str, str], sink: Sink | None = None
    ) -> Response:
        """Make one attempt, and follow redirects; see `Transport`."""
        aiohttp = self._aiohttp
        try:
            seconds = None if request.seconds == math.inf else request.seconds
            async with asyncio.timeout(seconds) as limit:
                return await self._follow(request, credentials, sink, limit)
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            connecting = isinstance(
                error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
            )
            raise transport_error(error, request.url, connecting=connecting) from None

    async def sleep(self, seconds: float) -> None:
        """Wait in this task."""
        await asyncio.sleep(seconds)

    async def map(
        self, function: Callable[[T], Coroutine[Any, Any, R]], items: Sequence[T]
    ) -> list[R]:
        """Return `function` of each item, a few at a time; the first error ends the others."""

        async def limited(item: T) -> R:
            async with self._splitting:
                return await function(item)

        if len(items) == 1:
            return [await function(items[0])]
        tasks = [asyncio.create_task(limited(item)) for item in items]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def call(self, function: Callable[[], R]) -> R:
        """Call a function that blocks, in a thread."""
        return await asyncio.to_thread(function)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _follow(
        self,
        request: Request,
        credentials: Mapping[str, str],
        sink: Sink | None,
        limit: asyncio.Timeout,
    ) -> Response:
        # Redirects are followed here, since a library does not know which headers are secret.
        url = f"{request.url}?{urlencode(request.params)}" if request.params else request.url
        method, body, secrets = request.method, request.body, {**self.options.headers}
        secrets |= credentials
        for _ in range(MAX_REDIRECTS):
            headers = {**request.headers, **secrets}
            async with self._send(method, url, headers, body, limit) as received:
                if received.status not in REDIRECTS or "Location" not in received.headers:
                    return await _receive(received, sink)
                target = urljoin(url, received.headers["Location"])
                if _origin(target) != _origin(url):
                    secrets = {}
                if received.status == SEE_OTHER or (
                    method == "POST" and received.status in (301, 302)
                ):
                    method, body = "GET", None
                url = target
        raise TransportError(f"{request.url} redirects more than {MAX_REDIRECTS} times.")

    def _send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: Body | None,
        limit: asyncio.Timeout,
    ) -> Any:
        from yarl import URL

        session = self._open()
        if body is not None:
            # Not computed for a body that is sent in parts.
            headers["Content-Length"] = str(len(body))
        data: Any = body
        if body is not None:
            small = len(body) <= BUFFERED_BYTES
            data = bytes(body) if small else _parts(body, limit, self.options.read_timeout)
        return session.request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=data,
            allow_redirects=False,
            proxy=self._proxy(*_origin(url)),
        )

    def _open(self) -> aiohttp.ClientSession:
        """Return the connections of this event loop. Raises RuntimeError in another one."""
        loop = asyncio.get_running_loop()
        if self._session is None:
            aiohttp, options = self._aiohttp, self.options
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=MAX_CONNECTIONS, ssl=tls_context(options.verify)
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=options.connect_timeout,
                    sock_read=options.read_timeout,
                ),
                headers={"User-Agent": USER_AGENT, "Accept": "*/*"},
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=CHUNK_BYTES,
            )
        elif self._loop is not loop:
            raise RuntimeError(
                "This client belongs to another event loop: make one in each loop, with "
                "AsyncClient or from_uri_async."
            )
        assert self._session is not None
        return self._session


async def _receive(received: aiohttp.ClientResponse, sink: Sink | None) -> Response:
    response = Response(received.status, received.headers, b"", str(received.url))
    if sink is None or response.status >= 400:
        return response.with_content(await received.read())
    sink.begin(response)
    # What has arrived, so that it is kept if the connection breaks next.
    async for chunk in received.content.iter_any():
        sink.write(chunk)
    return response


async def _parts(body: Body, limit: asyncio.Timeout, seconds: float) -> AsyncIterator[memoryview]:
    """Yield a large body in parts, each to be sent within some seconds of the limit."""
    loop, deadline = asyncio.get_running_loop(), limit.when()
    view = memoryview(body)
    # A response may come before the whole body was sent: then the limit is over.
    with suppress(RuntimeError):
        for start in range(0, len(view), CHUNK_BYTES):
            latest = loop.time() + seconds
            limit.reschedule(latest if deadline is None else min(latest, deadline))
            yield view[start : start + CHUNK_BYTES]
        # From now on, that of reading holds.
        limit.reschedule(deadline)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy of the environment (`HTTPS_PROXY`, `NO_PROXY`, ...) for a host, or None."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(host) else proxy
