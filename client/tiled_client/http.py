"""Requests to one server: connections, credentials, retries, decoding."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from .credentials import Credentials, KeyCredentials
from .errors import TiledClientError, TransportError, UnreadableAnswer, error_for_status
from .jsonable import jsonable
from .retries import Backoff, RetryPolicy, surely_unprocessed
from .settings import HttpOptions
from .uris import Path, node_url
from .version import __version__

if TYPE_CHECKING:
    import requests

    from .logins import Door

JSON = "application/json"
MSGPACK = "application/x-msgpack"
OCTETS = "application/octet-stream"
PIECE = 1 << 20
UNAUTHORIZED = 401
IDEMPOTENCY_KEY = "Idempotency-Key"
USER_AGENT = f"tiled-client/{__version__}"

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
Body = bytes | memoryview
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer to a request."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    def value(self) -> Any:
        """The decoded body. Raises UnreadableAnswer."""
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        try:
            if kind == MSGPACK:
                import msgpack

                return msgpack.unpackb(self.content, timestamp=3, strict_map_key=False)
            return json.loads(self.content)
        except ValueError as error:
            raise UnreadableAnswer(
                f"{self.url} answered with something that is neither JSON nor msgpack; "
                "is this the address of a Tiled server?"
            ) from error

    def error(self) -> TiledClientError:
        """What went wrong, for a status of 400 or more."""
        after = self.headers.get("Retry-After", "")
        retry_after = float(after) if after.replace(".", "", 1).isdigit() else None
        return error_for_status(self.status, self._detail(), retry_after=retry_after)

    def _detail(self) -> str:
        try:
            detail = json.loads(self.content)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = self.content[:500].decode(errors="replace") or "no explanation"
        return f"{detail if isinstance(detail, str) else json.dumps(detail)} ({self.url})"


class Sink:
    """A file that an answer is written to; what an attempt has left there is written over."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._begun = False

    def take(self, pieces: Iterable[bytes]) -> None:
        """Write the pieces. Raises UnreadableAnswer for a second attempt at what has no start."""
        if self._begun:
            if self._start is None:
                raise UnreadableAnswer("The connection broke while the answer was being written.")
            self._file.seek(self._start)
            self._file.truncate()
        for piece in pieces:
            self._begun = True
            self._file.write(piece)


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
        self._remembers_keys = remembers_keys
        self._resources = _Resources(self.options.connections)

    def get(
        self, endpoint: str, path: Path, *, params: Params = (), accept: str = MSGPACK
    ) -> Answer:
        """Read something."""
        headers = {"Accept": accept}
        if accept not in (MSGPACK, JSON):
            # Compressing numbers costs more time than a local network takes to carry them.
            headers["Accept-Encoding"] = "identity"
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

    def post(
        self, endpoint: str, path: Path, value: Any, *, params: Params = (), accept: str = MSGPACK
    ) -> Answer:
        """Create something; also used for reading where a URL would grow too long."""
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

        A server that does not remember keys gets it again only if it surely missed it.
        """
        headers = {"Content-Type": content_type}
        if not repeatable:
            headers[IDEMPOTENCY_KEY] = uuid.uuid4().hex
            repeatable = self._remembers_keys
        return self.request(
            method, endpoint, path, params=params, headers=headers, body=body, repeatable=repeatable
        )

    def delete(self, endpoint: str, path: Path, *, params: Params = ()) -> Answer:
        """Delete something."""
        return self.request("DELETE", endpoint, path, params=params, headers={})

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
            uncertain = uncertain or not surely_unprocessed(failure)
            if not self.retries.allows(
                failure,
                repeatable=repeatable,
                attempt=backoff.attempts + 1,
                elapsed=time.monotonic() - begun,
            ):
                raise failure
            time.sleep(backoff.next(failure.retry_after))

    def _send_json(
        self, method: str, endpoint: str, path: Path, value: Any, params: Params, accept: str
    ) -> Answer:
        headers = {"Accept": accept, "Content-Type": JSON}
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

    def _own(self) -> _Resources:
        if self._resources.process != os.getpid():
            # Connections and threads do not survive a fork; using the parent's would garble both.
            self._resources = _Resources(self.options.connections)
        return self._resources


class _Resources:
    """Connections and threads, of one process."""

    def __init__(self, connections: int) -> None:
        self.process = os.getpid()
        self.workers = ThreadPoolExecutor(connections, thread_name_prefix="tiled-client")
        self._local = threading.local()

    def session(self) -> requests.Session:
        """This thread's own session, as they are not safe to share; it keeps its connections."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _new_session()
        return session


def _new_session() -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests

    session = requests.Session()
    # Given as a callable, it takes precedence over what a .netrc may hold for this host; the header
    # is the request's own.
    session.auth = lambda request: request
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


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
