"""Requests to one server: credentials, retries and idempotency keys. No I/O."""

from __future__ import annotations

import copy
import json
import math
import time
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, TypeVar

from ..auth.credentials import Credentials, KeyCredentials
from ..errors import FailureCause, NodeNotFound, NodeReplaced, TiledClientError, TransportError
from ..jsonable import jsonable
from ..settings import HttpOptions
from ..uris import Path, node_url
from .accept_encoding import data_encoding
from .cache import Cache
from .cache.conditional import exchange_with_cache
from .request import Body, Params, Request, encode_params
from .responses import JSON, MSGPACK, FileSink, Response
from .retries import Backoff, RetryPolicy, may_have_succeeded
from .retry_notices import announce_retry
from .transfers import track_request
from .transport import Sink, Transport

UNAUTHORIZED = 401
NODE_HEADER = "X-Tiled-Node"
IDEMPOTENCY_KEY = "Idempotency-Key"

T = TypeVar("T")
R = TypeVar("R")


class RequestClient:
    """The API of one server, used with the credentials of one principal.

    Its methods are coroutines, for operations that both clients have; see `operations`.

    Parameters
    ----------
    root
        URL of the API, without a trailing slash.
    transport
        Does the I/O.
    api_key
        The API key, if the credentials are one.
    options
        Timeouts, and limits of requests.
    retries
        Limits for repeating requests.
    supports_idempotency
        Whether the server executes requests with the same idempotency key only once.
    cache
        Responses to reuse, if the server confirms that they are current.
    """

    def __init__(
        self,
        root: str,
        transport: Transport,
        api_key: str | None = None,
        *,
        options: HttpOptions | None = None,
        retries: RetryPolicy | None = None,
        supports_idempotency: bool = False,
        cache: Cache | None = None,
    ) -> None:
        self.root = root
        self.transport = transport
        self.credentials: Credentials = KeyCredentials(api_key) if api_key else Credentials()
        self.options = options or HttpOptions()
        self.retries = retries or RetryPolicy(deadline=self.options.give_up_after)
        self.deadline: float | None = None
        self.supports_idempotency = supports_idempotency
        self.cache = cache

    def brief(self, seconds: float) -> RequestClient:
        """Return a client with the same connections whose requests end in `seconds`, all together.

        They are made once, without a progress bar.
        """
        client = copy.copy(self)
        client.deadline = min(time.monotonic() + seconds, self.deadline or math.inf)
        client.retries = RetryPolicy(deadline=0.0)
        client.options = replace(self.options, progress=False)
        return client

    async def get(
        self,
        endpoint: str,
        path: Path,
        *,
        params: Params = (),
        accept: str = MSGPACK,
        sink: Sink | None = None,
    ) -> Response:
        """Send a GET request for a document, or for data of the media type `accept`."""
        headers = {"Accept": accept}
        if accept not in (MSGPACK, JSON):
            headers["Accept-Encoding"] = data_encoding(self.root, self.transport)
        return await self.request("GET", endpoint, path, params=params, headers=headers, sink=sink)

    async def download(
        self,
        endpoint: str,
        path: Path,
        file: BinaryIO,
        *,
        params: Params = (),
        names: Sequence[str] | None = None,
    ) -> None:
        """Write data of any size to a file, from its current position on.

        `names` of columns or children are sent in the body, where they do not fit the URL.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": JSON}
        body = None if names is None else json.dumps(list(names)).encode()
        method = "GET" if body is None else "POST"
        await self.request(
            method, endpoint, path, params=params, headers=headers, body=body, sink=FileSink(file)
        )

    async def create(
        self, endpoint: str, path: Path, value: Any, *, params: Params = ()
    ) -> Response:
        """Send a POST request with JSON and an idempotency key."""
        headers = _new_idempotency_key()
        return await self._send_json("POST", endpoint, path, value, params=params, headers=headers)

    async def post(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), accept: str = MSGPACK
    ) -> Response:
        """Send a POST request with JSON; also for reads whose URL would be too long."""
        return await self._send_json("POST", endpoint, path, value, params=params, accept=accept)

    async def patch(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), node: str | None = None
    ) -> Response:
        """Send a PATCH request with JSON; to the node of this identifier only, if given."""
        headers = _node_header(node)
        return await self._send_json("PATCH", endpoint, path, value, params=params, headers=headers)

    async def put(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), node: str | None = None
    ) -> Response:
        """Send a PUT request with JSON; to the node of this identifier only, if given."""
        headers = _node_header(node)
        return await self._send_json("PUT", endpoint, path, value, params=params, headers=headers)

    async def send(
        self,
        method: str,
        endpoint: str,
        path: Path,
        body: Body,
        content_type: str,
        *,
        params: Params = (),
        repeatable: bool = True,
        node: str | None = None,
        encoding: str | None = None,
    ) -> Response:
        """Write data; if `node` is given, to the node of this identifier only.

        A request that is not `repeatable`, or only streamed, has an idempotency key. Without it,
        the former is retried only if the server certainly did not receive it.
        """
        headers = {"Content-Type": content_type, **_node_header(node)}
        headers |= {"Content-Encoding": encoding} if encoding else {}
        if not repeatable or dict(params).get("persist") is False:
            headers |= _new_idempotency_key()
        repeatable = repeatable or self.supports_idempotency
        return await self.request(
            method, endpoint, path, params=params, headers=headers, body=body, repeatable=repeatable
        )

    async def delete(
        self,
        endpoint: str,
        path: Path,
        *,
        params: Params = (),
        idempotent: bool = True,
        node: str | None = None,
    ) -> Response:
        """Send a DELETE request; a 404 after an attempt without a response counts as success.

        With `idempotent=False` the request has an idempotency key: what it deletes may exist again
        when the request is repeated.
        """
        headers = _node_header(node) | ({} if idempotent else _new_idempotency_key())
        try:
            return await self.request("DELETE", endpoint, path, params=params, headers=headers)
        except (NodeNotFound, NodeReplaced) as error:
            if not error.retried:
                raise
            return Response(200, {}, b"null", node_url(self.root, endpoint, path))

    async def map(
        self, function: Callable[[T], Coroutine[Any, Any, R]], items: Sequence[T]
    ) -> list[R]:
        """Return `function` of each item, a few at a time; raises the first error."""
        return await self.transport.map(function, items)

    async def request(
        self,
        method: str,
        endpoint: str,
        path: Path,
        *,
        params: Params = (),
        headers: Mapping[str, str],
        body: Body | None = None,
        repeatable: bool = True,
        sink: Sink | None = None,
    ) -> Response:
        """Send a request, with retries; a successful response's body goes to `sink`, if given.

        Raises TiledClientError.
        """
        url = node_url(self.root, endpoint, path)
        request = Request(method, url, encode_params(params), headers, body, endpoint, path)
        with track_request(self.options.progress, request, to_file=isinstance(sink, FileSink)):
            return await self._repeat(request, sink, repeatable=repeatable)

    async def _repeat(self, request: Request, sink: Sink | None, *, repeatable: bool) -> Response:
        """Make attempts until one succeeds. Raises the last error if no other is allowed."""
        backoff, started, uncertain = Backoff(), time.monotonic(), False
        failure: TiledClientError | None = None
        while True:
            try:
                response = await self._exchange(request, sink)
                if response.status < 400:
                    return response
                failure = response.error(request)
            except TransportError as error:
                # What a server said is worth more than that the last attempt was cut short.
                if failure is None or self._remaining() > 0:
                    failure = error
            failure.retried = uncertain
            uncertain = uncertain or may_have_succeeded(failure)
            elapsed = time.monotonic() - started
            allowed = self.retries.allows(
                failure, repeatable=repeatable, attempt=backoff.attempts + 1, elapsed=elapsed
            )
            delay = backoff.next(failure.retry_after)
            if not allowed or delay >= self._remaining():
                raise failure
            await self.pause(failure, delay, elapsed)

    async def receive(
        self, endpoint: str, path: Path, sink: Sink, *, params: Params, headers: Mapping[str, str]
    ) -> None:
        """Send a GET request without retries; the response goes to `sink` as it arrives.

        Raises TiledClientError.
        """
        url = node_url(self.root, endpoint, path)
        request = Request("GET", url, encode_params(params), headers, None, endpoint, path)
        with track_request(self.options.progress, request, to_file=True):
            response = await self._exchange(request, sink)
        if response.status >= 400:
            raise response.error(request)

    async def pause(self, failure: TiledClientError, delay: float, elapsed: float) -> None:
        """Announce another attempt, and wait before it."""
        announce_retry(failure, delay, elapsed)
        await self.transport.sleep(delay)

    async def _send_json(
        self,
        method: str,
        endpoint: str,
        path: Path,
        value: Any,
        *,
        params: Params = (),
        accept: str = MSGPACK,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        headers = {"Accept": accept, "Content-Type": JSON, **(headers or {})}
        body = json.dumps(jsonable(value), separators=(",", ":")).encode()
        return await self.request(method, endpoint, path, params=params, headers=headers, body=body)

    async def _exchange(self, request: Request, sink: Sink | None) -> Response:
        """Make one attempt, and after a 401 one with renewed credentials.

        An error status is returned. Raises TransportError.
        """
        credentials, transport = self.credentials, self.transport
        if self.deadline is not None:
            request = replace(request, seconds=self._remaining())
            if request.seconds <= 0:
                raise TransportError(
                    "The server did not respond in time.", cause=FailureCause.timeout
                )
        # Renewal reads files, takes locks and waits for the server.
        is_stale = credentials.stale
        sent = await transport.call(credentials.header) if is_stale else credentials.header()
        response = await self._attempt(request, sent, sink)
        if response.status == UNAUTHORIZED and await transport.call(
            lambda: credentials.renew(sent)
        ):
            response = await self._attempt(request, credentials.header(), sink)
        return response

    async def _attempt(
        self, request: Request, credentials: Mapping[str, str], sink: Sink | None
    ) -> Response:
        cache, transport = self.cache, self.transport
        if cache is None or sink is not None or request.method != "GET":
            return await transport.exchange(request, credentials, sink)
        headers = self.options.headers
        return await exchange_with_cache(cache, transport, request, credentials, headers)

    def _remaining(self) -> float:
        """Return the seconds that are left until `deadline`."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()


def _node_header(node: str | None) -> dict[str, str]:
    return {} if node is None else {NODE_HEADER: node}


def _new_idempotency_key() -> dict[str, str]:
    """Return the header that identifies a request; it stays the same in retries."""
    return {IDEMPOTENCY_KEY: uuid.uuid4().hex}
