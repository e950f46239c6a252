"""Translate errors of the network to `TransportError`, with a sentence about each cause."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from ..errors import FailureCause, TransportError
from ..uris import without_secrets
from .request import Request

# What OpenSSL reports if the other side answers in plain text.
NO_TLS_REASONS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
)


@contextmanager
def translating_network_errors(request: Request) -> Iterator[None]:
    """Raise TransportError for errors of the network, in the body of a `with` statement."""
    import requests
    import urllib3

    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # Without the chain of the libraries' exceptions: it says the same at the length of a page.
        raise _transport_error(error, request.url) from None


def _transport_error(error: Exception, url: str) -> TransportError:
    import requests

    # No response was read: the request cannot have been processed.
    connecting = isinstance(error, requests.ConnectTimeout) or _has(error, "NewConnectionError")
    if isinstance(error, requests.exceptions.ProxyError):
        return TransportError(
            "The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY) does not forward the "
            "request. Correct these variables, or add the server's host to NO_PROXY.",
            cause=FailureCause.refused,
            unprocessed=True,
            url=without_secrets(url),
        )
    if isinstance(error, requests.exceptions.InvalidURL):
        return TransportError(
            "This is not a valid URL.", cause=FailureCause.tls, unprocessed=True, url=url
        )
    return transport_error(error, url, connecting=connecting)


def transport_error(error: BaseException, url: str, *, connecting: bool) -> TransportError:
    """Return the error for an exception of the network, or of a library around one.

    `connecting` tells whether no connection was made.
    """
    chain = tuple(_chain(error))
    parts = urlsplit(url)
    tls = next((each for each in chain if isinstance(each, ssl.SSLError)), None)
    if tls is not None and not isinstance(tls, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return TransportError(_tls_sentence(tls, url), cause=FailureCause.tls, unprocessed=True)
    cause = _cause(chain)
    base = origin(url)
    match cause:
        case FailureCause.unknown_host:
            detail = (
                f"The host name {parts.hostname!r} is unknown. Check its spelling, and the network."
            )
        case FailureCause.refused:
            detail = f"No server answers at {base}. Is it running?"
        case FailureCause.unreachable:
            detail = f"The host {parts.hostname!r} is unreachable. Check the network."
        case FailureCause.timeout if connecting:
            detail = f"No connection could be made in time to {base}. Is this its address?"
        case FailureCause.timeout:
            detail = "The server did not respond in time (HttpOptions.read_timeout)."
        case _:
            detail = "The connection broke before the response was complete."
    address = without_secrets(url) if not connecting else None
    return TransportError(detail, cause=cause, unprocessed=connecting, url=address)


def origin(url: str) -> str:
    """Return scheme, host and port of a URL, as http for the streams of one."""
    parts = urlsplit(without_secrets(url))
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"


def _tls_sentence(error: ssl.SSLError, url: str) -> str:
    base = origin(url)
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {base} is not trusted: {error.verify_message}. Pass "
            "options=HttpOptions(verify=path) with the certificate of the authority that signed it."
        )
    if error.reason in NO_TLS_REASONS or "WRONG_VERSION_NUMBER" in str(error):
        plain = base.replace("https:", "http:", 1)
        return f"This server speaks http, not https: use {plain}."
    return f"No TLS connection could be made to {base}: {error.reason or error}."


def _cause(chain: tuple[BaseException, ...]) -> FailureCause:
    for error in chain:
        match error:
            case socket.gaierror() | UnicodeError():
                return FailureCause.unknown_host
            case ConnectionRefusedError():
                return FailureCause.refused
            case ConnectionError():
                return FailureCause.broken
            case TimeoutError():
                return FailureCause.timeout
            case OSError() if _is_unreachable(error):
                return FailureCause.unreachable
    # Of the libraries' own, which raise them without a cause.
    timed_out = any("Timeout" in type(error).__name__ for error in chain)
    return FailureCause.timeout if timed_out else FailureCause.broken


def _is_unreachable(error: OSError) -> bool:
    import errno

    return error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it wraps or was raised from, the innermost first."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        waiting += [each.__context__, each.__cause__, getattr(each, "reason", None), *each.args]
        waiting += getattr(each, "exceptions", ())
    yield from reversed(seen)


def _has(error: BaseException, name: str) -> bool:
    return any(name in (base.__name__ for base in type(each).__mro__) for each in _chain(error))
