"""The way in: from an address to a client object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .auth.credentials import Credentials
from .auth.login import Door, expect_somebody
from .errors import Unauthorized, UnreadableAnswer
from .http.client import Http
from .nodes import Node
from .nodes.base import fetch_resource
from .settings import API_KEY_VARIABLE, HttpOptions, api_key_from_environment
from .uris import parse_uri


def from_uri(
    uri: str,
    api_key: str | None = None,
    *,
    username: str | None = None,
    password: str | None = None,
    remember: bool = True,
    options: HttpOptions | None = None,
) -> Any:
    """The client object for the node at `uri`: a Container, ArrayClient or TableClient.

    `uri` is that of a server (its root container is meant), of its API, or of a node. The key is
    `api_key`, else the one in the URI, else the environment variable TILED_API_KEY.

    On a server that has users, one may log in instead, with `username` and `password`; the password
    is asked for in the terminal if it is left out. Without any of these it is the login of the last
    time, if it was kept (`remember`); else, where one is needed, one is asked for.

    Raises Unauthorized, NodeNotFound, TransportError, UnreadableAnswer, and ValueError for an
    address that is none, for two keys, or for a key and a name.
    """
    address = parse_uri(uri)
    if api_key is not None and address.api_key is not None:
        raise ValueError("The API key is given twice: in the URI, and as an argument.")
    key = api_key or address.api_key or api_key_from_environment()
    if username is not None and (api_key or address.api_key):
        raise ValueError("An API key and a username are given; one of them says who asks.")
    root, about = _find_api(address.root, options)
    door = Door(root, about.get("authentication") or {}, options)
    remembers = bool((about.get("meta") or {}).get("idempotency_keys"))
    http = Http(root, None if username else key, options=options, remembers_keys=remembers)
    http.door = door
    if username is not None:
        http.credentials = door.log_in(username, password, remember=remember)
    elif key is None:
        http.credentials = _credentials(door, remember)
    return Node.build(http, address.path, fetch_resource(http, address.path))


def _credentials(door: Door, remember: bool) -> Credentials:
    """What there is without being told: the login of the last time, or one that is asked for."""
    if not door.providers:
        if door.required:
            raise Unauthorized(
                f"{door.root} requires an API key: pass api_key=..., or set {API_KEY_VARIABLE}."
            )
        return Credentials()
    if remember and (kept := door.remembered()) is not None and kept.usable():
        return kept
    if not door.required:
        return Credentials()
    expect_somebody()
    return door.log_in(remember=remember)


def _find_api(root: str, options: HttpOptions | None) -> tuple[str, Mapping[str, Any]]:
    """The API's root, to where it redirects if it does, and what it says about itself."""
    # No key yet: whoever redirects may be anyone.
    answer = Http(root, options=options).get("", ())
    about = answer.value()
    if not isinstance(about, Mapping) or "api_version" not in about:
        raise UnreadableAnswer(f"{root} is not the API of a Tiled server.")
    return answer.url.partition("?")[0].rstrip("/"), about
