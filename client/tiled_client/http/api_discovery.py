"""Find the API of a server that has not answered yet, and explain why there is none."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ..errors import FailureCause, InvalidResponse, TiledClientError, TransportError
from ..settings import HttpOptions
from ..uris import without_secrets
from .client import HttpClient
from .network_errors import origin
from .responses import Response
from .retries import RetryPolicy

# Seconds for the question whether a server speaks TLS, or is at another path.
PROBE_TIMEOUT = 3.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """The URL of a server's API, after redirects, and the server's description of itself."""

    root: str
    about: Mapping[str, Any]


def find_api(root: str, options: HttpOptions | None, timeout: float) -> Api:
    """Return the API at `root`, within `timeout` seconds.

    A wrong address fails at once; a server that is slow or busy is waited for. Raises
    TransportError, InvalidResponse, and what a server's error means.
    """
    deadline = time.monotonic() + timeout
    # Resolving a name has no timeout, so that it is another thread that waits.
    return _within(timeout, lambda: _find(root, options or HttpOptions(), deadline), origin(root))


def _find(root: str, options: HttpOptions, deadline: float) -> Api:
    left = deadline - time.monotonic()
    try:
        response = _get(root, options, deadline, RetryPolicy(left, discovery=True))
    except TransportError as error:
        if error.cause is not FailureCause.broken:
            raise
        if _speaks_tls(root):
            raise _https_needed(root) from None
        # It may be starting.
        left = deadline - time.monotonic()
        response = _get(root, options, deadline, RetryPolicy(left))
    except TiledClientError as error:
        api_exists = not error.is_foreign and error.status != 404
        if api_exists or not 400 <= (error.status or 0) < 500:
            raise
        if _speaks_tls(root):
            raise _https_needed(root) from None
        raise _no_api(root, f"it responds with status {error.status}", options) from None
    try:
        about = response.value()
    except InvalidResponse as error:
        raise _no_api(root, "its response is not Tiled's", options) from error
    if not isinstance(about, Mapping) or "api_version" not in about:
        raise _no_api(root, "its response is not Tiled's", options)
    return Api(response.url.partition("?")[0].rstrip("/"), about)


def _get(root: str, options: HttpOptions, deadline: float, retries: RetryPolicy) -> Response:
    # Without credentials: a redirect may lead to any host.
    http = HttpClient(root, options=options, retries=retries)
    http.deadline = deadline
    return http.get("", ())


def _no_api(root: str, reason: str, options: HttpOptions) -> InvalidResponse:
    sentence = (
        f"There is no Tiled server at this URL ({reason}): is this the URL of a Tiled server?"
    )
    elsewhere = f"{origin(root)}/api/v1"
    if root != elsewhere and _is_api(elsewhere, options):
        sentence = (
            f"There is no Tiled API at this path, but there is one at {origin(root)}: use it."
        )
    return InvalidResponse(sentence, url=without_secrets(root))


def _is_api(root: str, options: HttpOptions) -> bool:
    brief = replace(options, connect_timeout=PROBE_TIMEOUT, read_timeout=PROBE_TIMEOUT)
    try:
        about = HttpClient(root, options=brief, retries=RetryPolicy(0)).get("", ()).value()
    except TiledClientError:
        return False
    return isinstance(about, Mapping) and "api_version" in about


def _https_needed(root: str) -> TransportError:
    secure = origin(root).replace("http:", "https:", 1)
    return TransportError(
        f"This server speaks https, not http: use {secure}.", cause=FailureCause.tls
    )


def _speaks_tls(root: str) -> bool:
    """Return whether a server that was addressed with http completes a TLS handshake."""
    parts = urlsplit(root)
    if parts.scheme != "http" or parts.hostname is None:
        return False
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 80), PROBE_TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname),
        ):
            return True
    except OSError:
        return False


def _within(seconds: float, function: Callable[[], T], base: str) -> T:
    """Return what `function` returns on a daemon thread, or raise what it raises.

    Raises TransportError if that takes longer; the thread is then left alone.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="tiled-connect", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        # Without the frames of the other thread, which say nothing to a user.
        raise errors[0].with_traceback(None)
    if results:
        return results[0]
    raise TransportError(
        f"No server answered at {base} within {seconds:g} s (argument timeout). Is this its "
        "address, and does a firewall let connections through?",
        cause=FailureCause.timeout,
        unprocessed=True,
    )
