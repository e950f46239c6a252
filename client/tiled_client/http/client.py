"""Requests to one server: connections, credentials, retries, decoding."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from ..auth.credentials import Credentials, KeyCredentials
from ..errors import NodeNotFound, TransportError
from ..jsonable import jsonable
from ..settings import HttpOptions
from ..uris import Path, node_url
from .accept_encoding import data_encoding
from .responses import JSON, MSGPACK, Answer, Sink
from .retries import Backoff, RetryPolicy, may_be_done
from .sessions import Resources

if TYPE_CHECKING:
    from ..auth.login import Door

OCTETS = "application/octet-stream"
PIECE = 1 << 20
UNAUTHORIZED = 401
IDEMPOTENCY_KEY = "Idempotency-Key"

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
Body = bytes | memoryview
T = TypeVar("T")
R = TypeVar("R")


class Http:
    """A server's API, as one user sees it. Safe to use from several threads."""

    def __init__(
        self,
        root: str,
        api_key: str | None = None,
        *,
        options: HttpOptions | None = None,
        retries: RetryPolicy | None = None,
        remembers_keys: bool = False,
    ) -> None:
        """`remembers_keys` says whether the server does nothing twice that has a key."""
        self.root = root
        self.credentials: Credentials = KeyCredentials(api_key) if api_key else Credentials()
        self.door: Door | None = None
        self.options = options or HttpOptions()
        self.retries = retries or RetryPolicy()
        self.remembers_keys = remembers_keys
        self._resources = Resources(self.options.connections)

    def get(
        self, endpoint: str, path: Path, *, params: Params = (), accept: str = MSGPACK
    ) -> Answer:
        """Read something."""
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
        """Read something of any size into a file, which is written from where it stands.

        `names` of what is wanted go into the body: they would make the address too long.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Content-Type": JSON}
        body = None if names is None else json.dumps(list(names)).encode()
        method = "GET" if body is None else "POST"
        self.request(
            method, endpoint, path, params=params, headers=headers, body=body, into=Sink(file)
        )

    def create(self, endpoint: str, path: Path, value: Any) -> Answer:
        """Create something, with a key by which the server knows the request again."""
        return self._send_json("POST", endpoint, path, value, (), MSGPACK, keyed=True)

    def post(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), accept: str = MSGPACK
    ) -> Answer:
        """Send JSON; also used for reading where a URL would grow too long."""
        return self._send_json("POST", endpoint, path, value, params, accept)

    def patch(self, endpoint: str, path: Path, value: Any, *, params: Params = ()) -> Answer:
        """Change something, described as JSON."""
        return self._send_json("PATCH", endpoint, path, value, params, MSGPACK)

    def put(self, endpoint: str, path: Path, value: Any, *, params: Params = ()) -> Answer:
        """Replace something, described as JSON."""
        return self._send_json("PUT", endpoint, path, value, params, MSGPACK)

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
    ) -> Answer:
        """Write data. What is not `repeatable` has a key, by which the server knows it again.

        So has what is only passed on to subscribers. A server that does not remember keys gets what
        is not repeatable again only if it surely missed it.
        """
        headers = {"Content-Type": content_type}
        if not repeatable or dict(params).get("persist") is False:
            headers |= _new_key()
        if not repeatable:
            repeatable = self.remembers_keys
        return self.request(
            method, endpoint, path, params=params, headers=headers, body=body, repeatable=repeatable
        )

    def delete(
        self, endpoint: str, path: Path, *, params: Params = (), keyed: bool = False
    ) -> Answer:
        """Delete something; what is gone after a first request whose answer was lost is deleted.

        What could be there anew when the request is repeated is `keyed`.
        """
        headers = _new_key() if keyed else {}
        try:
            return self.request("DELETE", endpoint, path, params=params, headers=headers)
        except NodeNotFound as error:
            if not error.retried:
                raise
            return Answer(200, {}, b"null", node_url(self.root, endpoint, path))

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Apply `function` to each, a few at a time; raises the first error there is."""
        if len(items) == 1:
            return [function(items[0])]
        workers = self._own().workers
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
        params: Params,
        headers: Mapping[str, str],
        body: Body | None = None,
        repeatable: bool = True,
        into: Sink | None = None,
    ) -> Answer:
        """Send a request until it is answered, `into` a file if there is one.

        Raises TiledClientError.
        """
        url = node_url(self.root, endpoint, path)
        backoff, begun, uncertain = Backoff(), time.monotonic(), False
        while True:
            try:
                answer = self._admitted(method, url, params, headers, body, into)
                if answer.status < 400:
                    return answer
                failure = answer.error()
            except TransportError as error:
                failure = error
            failure.retried = uncertain
            uncertain = uncertain or may_be_done(failure)
            if not self.retries.allows(
                failure,
                repeatable=repeatable,
                attempt=backoff.attempts + 1,
                elapsed=time.monotonic() - begun,
            ):
                raise failure
            time.sleep(backoff.next(failure.retry_after))

    @contextmanager
    def stream(
        self, endpoint: str, path: Path, *, params: Params, headers: Mapping[str, str]
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """Read something piece by piece, and once. The answer has no content of its own.

        Raises TiledClientError, also while pieces are read.
        """
        import requests
        import urllib3

        url = node_url(self.root, endpoint, path)
        shown = self.credentials.header()
        try:
            response = self._opened(url, params, {**headers, **shown})
            if response.status_code == UNAUTHORIZED and self.credentials.renew(shown):
                response.close()
                response = self._opened(url, params, {**headers, **self.credentials.header()})
            with response:
                failed = response.status_code >= 400
                content = response.raw.read(decode_content=True) if failed else b""
                answer = Answer(response.status_code, response.headers, content, response.url)
                if failed:
                    raise answer.error()
                # What has arrived is passed on, also if the connection breaks before the next.
                raw = response.raw
                yield answer, iter(lambda: raw.read1(PIECE, decode_content=True), b"")
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportError(
                f"GET {url} was not answered: {error}", unprocessed=_never_arrived(error)
            ) from error

    def _opened(self, url: str, params: Params, headers: Mapping[str, str]) -> Any:
        timeout = (self.options.connect_timeout, self.options.read_timeout)
        return (
            self._own()
            .session()
            .get(url, params=_query(params), headers=dict(headers), timeout=timeout, stream=True)
        )

    def _send_json(
        self,
        method: str,
        endpoint: str,
        path: Path,
        value: Any,
        params: Params,
        accept: str,
        *,
        keyed: bool = False,
    ) -> Answer:
        headers = {"Accept": accept, "Content-Type": JSON, **(_new_key() if keyed else {})}
        body = json.dumps(jsonable(value), separators=(",", ":")).encode()
        return self.request(method, endpoint, path, params=params, headers=headers, body=body)

    def _admitted(
        self,
        method: str,
        url: str,
        params: Params,
        headers: Mapping[str, str],
        body: Body | None,
        into: Sink | None,
    ) -> Answer:
        """One answer; where the credentials have expired, that to other ones."""
        shown = self.credentials.header()
        answer = self._exchange(method, url, params, {**headers, **shown}, body, into)
        if answer.status == UNAUTHORIZED and self.credentials.renew(shown):
            shown = self.credentials.header()
            answer = self._exchange(method, url, params, {**headers, **shown}, body, into)
        return answer

    def _exchange(
        self,
        method: str,
        url: str,
        params: Params,
        headers: Mapping[str, str],
        body: Body | None,
        into: Sink | None,
    ) -> Answer:
        import requests
        import urllib3

        timeout = (self.options.connect_timeout, self.options.read_timeout)
        try:
            with (
                self._own()
                .session()
                .request(
                    method,
                    url,
                    params=_query(params),
                    headers=dict(headers),
                    data=body,  # type: ignore[arg-type]
                    timeout=timeout,
                    stream=True,
                ) as response
            ):
                if into is not None and response.status_code < 400:
                    into.take(response.raw.stream(PIECE, decode_content=True))
                # All at once: `response.content` would gather it in pieces of 10 KB.
                content = response.raw.read(decode_content=True)
                return Answer(response.status_code, response.headers, content, response.url)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportError(
                f"{method} {url} was not answered: {error}", unprocessed=_never_arrived(error)
            ) from error

    def _own(self) -> Resources:
        if self._resources.process != os.getpid():
            # Connections and threads do not survive a fork; using the parent's would garble both.
            self._resources = Resources(self.options.connections)
        return self._resources


def _new_key() -> dict[str, str]:
    """Return the header that names a request; it stays the same when the request is repeated."""
    return {IDEMPOTENCY_KEY: uuid.uuid4().hex}


def _never_arrived(error: Exception) -> bool:
    import requests
    import urllib3

    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _query(params: Params) -> list[tuple[str, str]]:
    pairs = params.items() if isinstance(params, Mapping) else params
    return [(key, _text(value)) for key, value in pairs if value is not None]


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ",".join(map(str, value))
    return str(value)
