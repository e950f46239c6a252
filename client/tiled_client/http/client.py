"""HTTP client of one server: credentials, retries and idempotency keys of requests."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

from ..auth.credentials import Credentials, KeyCredentials
from ..errors import NodeNotFound, TransportError
from ..jsonable import jsonable
from ..settings import HttpOptions
from ..uris import Path, node_url
from .accept_encoding import data_encoding
from .connection_pool import ConnectionPool
from .request import Body, Params, Request, encode_params, translating_network_errors
from .responses import JSON, MSGPACK, FileSink, Response
from .retries import Backoff, RetryPolicy, may_have_succeeded

CHUNK_BYTES = 1 << 20
UNAUTHORIZED = 401
IDEMPOTENCY_KEY = "Idempotency-Key"

T = TypeVar("T")
R = TypeVar("R")


class HttpClient:
    """The API of one server, used with the credentials of one principal. Thread-safe.

    Parameters
    ----------
    root
        URL of the API, without a trailing slash.
    api_key
        The API key, if the credentials are one.
    options
        Timeouts, and limits of requests.
    retries
        Limits for repeating requests.
    supports_idempotency
        Whether the server executes requests with the same idempotency key only once.
    """

    def __init__(
        self,
        root: str,
        api_key: str | None = None,
        *,
        options: HttpOptions | None = None,
        retries: RetryPolicy | None = None,
        supports_idempotency: bool = False,
    ) -> None:
        self.root = root
        self.credentials: Credentials = KeyCredentials(api_key) if api_key else Credentials()
        self.options = options or HttpOptions()
        self.retries = retries or RetryPolicy()
        self.supports_idempotency = supports_idempotency
        self._connections = ConnectionPool(self.options.connections)

    def get(
        self, endpoint: str, path: Path, *, params: Params = (), accept: str = MSGPACK
    ) -> Response:
        """Send a GET request for a document, or for data of the media type `accept`."""
        headers = {"Accept": accept}
        if accept not in (MSGPACK, JSON):
            headers["Accept-Encoding"] = data_encoding(self.root)
        return self.request("GET", endpoint, path, params=params, headers=headers)

    def download(
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
        self.request(
            method, endpoint, path, params=params, headers=headers, body=body, sink=FileSink(file)
        )

    def create(self, endpoint: str, path: Path, value: Any) -> Response:
        """Send a POST request with JSON and an idempotency key."""
        return self._send_json("POST", endpoint, path, value, headers=_new_idempotency_key())

    def post(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), accept: str = MSGPACK
    ) -> Response:
        """Send a POST request with JSON; also for reads whose URL would be too long."""
        return self._send_json("POST", endpoint, path, value, params=params, accept=accept)

    def patch(self, endpoint: str, path: Path, value: Any, *, params: Params = ()) -> Response:
        """Send a PATCH request with JSON."""
        return self._send_json("PATCH", endpoint, path, value, params=params)

    def put(self, endpoint: str, path: Path, value: Any, *, params: Params = ()) -> Response:
        """Send a PUT request with JSON."""
        return self._send_json("PUT", endpoint, path, value, params=params)

    def send(
        self,
        method: str,
        endpoint: str,
        path: Path,
        body: Body,
        content_type: str,
        *,
        params: Params = (),
        repeatable: bool = True,
    ) -> Response:
        """Write data.

        A request that is not `repeatable` has an idempotency key, and so has one that is only
        streamed (`persist` is False). If the server does not support these keys, what is not
        repeatable is retried only if the server certainly did not receive it.
        """
        headers = {"Content-Type": content_type}
        if not repeatable or dict(params).get("persist") is False:
            headers |= _new_idempotency_key()
        if not repeatable:
            repeatable = self.supports_idempotency
        return self.request(
            method, endpoint, path, params=params, headers=headers, body=body, repeatable=repeatable
        )

    def delete(
        self, endpoint: str, path: Path, *, params: Params = (), idempotent: bool = True
    ) -> Response:
        """Send a DELETE request; a 404 after an attempt without a response counts as success.

        With `idempotent=False` the request has an idempotency key: what it deletes may exist again
        when the request is repeated.
        """
        headers = {} if idempotent else _new_idempotency_key()
        try:
            return self.request("DELETE", endpoint, path, params=params, headers=headers)
        except NodeNotFound as error:
            if not error.retried:
                raise
            return Response(200, {}, b"null", node_url(self.root, endpoint, path))

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return `function` of each item, computed by a few threads; raises the first error."""
        if len(items) == 1:
            return [function(items[0])]
        workers = self._pool().workers
        futures = [workers.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def request(
        self,
        method: str,
        endpoint: str,
        path: Path,
        *,
        params: Params = (),
        headers: Mapping[str, str],
        body: Body | None = None,
        repeatable: bool = True,
        sink: FileSink | None = None,
    ) -> Response:
        """Send a request, with retries; the body of a successful response goes to `sink`, if given.

        Raises TiledClientError.
        """
        url = node_url(self.root, endpoint, path)
        request = Request(method, url, encode_params(params), headers, body)
        backoff, started, uncertain = Backoff(), time.monotonic(), False
        while True:
            try:
                response = self._exchange(request, sink)
                if response.status < 400:
                    return response
                failure = response.error()
            except TransportError as error:
                failure = error
            failure.retried = uncertain
            uncertain = uncertain or may_have_succeeded(failure)
            if not self.retries.allows(
                failure,
                repeatable=repeatable,
                attempt=backoff.attempts + 1,
                elapsed=time.monotonic() - started,
            ):
                raise failure
            time.sleep(backoff.next(failure.retry_after))

    @contextmanager
    def stream(
        self, endpoint: str, path: Path, *, params: Params, headers: Mapping[str, str]
    ) -> Iterator[tuple[Response, Iterator[bytes]]]:
        """Send a GET request without retries; yield the response, without content, and its chunks.

        Raises TiledClientError, also while chunks are read.
        """
        url = node_url(self.root, endpoint, path)
        request = Request("GET", url, encode_params(params), headers)
        with translating_network_errors(request), self._with_renewal(request) as received:
            failed = received.status_code >= 400
            content = received.raw.read(decode_content=True) if failed else b""
            response = Response(received.status_code, received.headers, content, received.url)
            if failed:
                raise response.error()
            # read1 returns what has arrived, so that it is kept if the connection breaks next.
            raw = received.raw
            yield response, iter(lambda: raw.read1(CHUNK_BYTES, decode_content=True), b"")

    def _send_json(
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
        return self.request(method, endpoint, path, params=params, headers=headers, body=body)

    def _exchange(self, request: Request, sink: FileSink | None) -> Response:
        """Make one attempt. Raises TransportError; an error status is returned."""
        with translating_network_errors(request), self._with_renewal(request) as received:
            if sink is not None and received.status_code < 400:
                sink.write(received.raw.stream(CHUNK_BYTES, decode_content=True))
            # One read: `received.content` would join chunks of 10 KB.
            content = received.raw.read(decode_content=True)
            return Response(received.status_code, received.headers, content, received.url)

    def _with_renewal(self, request: Request) -> Any:
        """Return the open response; after a 401, that to an attempt with renewed credentials."""
        sent = self.credentials.header()
        response = self._open(request, sent)
        if response.status_code == UNAUTHORIZED and self.credentials.renew(sent):
            response.close()
            response = self._open(request, self.credentials.header())
        return response

    def _open(self, request: Request, credentials: Mapping[str, str]) -> Any:
        """Send a request, and return its `requests.Response` with the body still to be read."""
        timeout = (self.options.connect_timeout, self.options.read_timeout)
        return (
            self._pool()
            .session()
            .request(
                request.method,
                request.url,
                params=request.params,
                headers={**request.headers, **credentials},
                data=request.body,  # type: ignore[arg-type]
                timeout=timeout,
                stream=True,
            )
        )

    def _pool(self) -> ConnectionPool:
        if self._connections.process != os.getpid():
            # Connections and threads do not survive a fork: using the parent's would corrupt both.
            self._connections = ConnectionPool(self.options.connections)
        return self._connections


def _new_idempotency_key() -> dict[str, str]:
    """Return the header that identifies a request; it stays the same in retries."""
    return {IDEMPOTENCY_KEY: uuid.uuid4().hex}
