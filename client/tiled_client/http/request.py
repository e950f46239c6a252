"""One HTTP request: its values, its encoding, and what its network errors mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..errors import TransportError

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]
Body = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Request:
    """A request without credentials, which may change from one attempt to the next."""

    method: str
    url: str
    params: list[tuple[str, str]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


def encode_params(params: Params) -> list[tuple[str, str]]:
    """Return query parameters as text: booleans in lower case, sequences joined by commas.

    Parameters that are None are left out.
    """
    pairs = params.items() if isinstance(params, Mapping) else params
    return [(key, _text(value)) for key, value in pairs if value is not None]


@contextmanager
def translating_network_errors(request: Request) -> Iterator[None]:
    """Raise TransportError for errors of the network, in the body of a `with` statement."""
    import requests
    import urllib3

    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransportError(
            f"No complete response to {request.method} {request.url}: {error}",
            unprocessed=_never_connected(error),
        ) from error


def _never_connected(error: Exception) -> bool:
    """Return whether no connection was made, so that the server cannot have seen the request."""
    import requests
    import urllib3

    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple() | list():
            return ",".join(map(str, value))
    return str(value)
