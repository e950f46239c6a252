"""`from_uri`: connect to a server and return the client object of a node."""

from __future__ import annotations

import time
from collections.abc import Mapping
from os import PathLike
from typing import Any, overload

from .auth.credentials import Credentials, clean_api_key
from .auth.login import LoginFlow, require_interactive
from .errors import Unauthorized
from .http.api_discovery import find_api
from .http.cache import Cache, cache_of
from .http.client import HttpClient
from .http.operations import run
from .http.session import ClientSession
from .nodes import Container, Node
from .nodes.base import request_resource
from .nodes.classes import StructureClients
from .nodes.structure_clients import split_second_argument
from .public_surface import show_types
from .settings import API_KEY_VARIABLE, HttpOptions, api_key_from_environment
from .uris import Path, parse_uri


@overload
def from_uri(
    uri: str,
    structure_clients: str | None = None,
    *,
    api_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
    remember: bool = True,
    timeout: float = 30.0,
    options: HttpOptions | None = None,
    cache: Cache | str | PathLike[str] | bool = True,
) -> Container: ...
@overload
def from_uri(
    uri: str,
    structure_clients: Mapping[str, type[Any]],
    *,
    api_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
    remember: bool = True,
    timeout: float = 30.0,
    options: HttpOptions | None = None,
    cache: Cache | str | PathLike[str] | bool = True,
) -> Any: ...


@show_types
def from_uri(
    uri: str,
    structure_clients: StructureClients | None = None,
    *,
    api_key: str | None = None,
    username: str | None = None,
    password: str | None = None,
    remember: bool = True,
    timeout: float = 30.0,
    options: HttpOptions | None = None,
    cache: Cache | str | PathLike[str] | bool = True,
) -> Any:
    """Connect to a server, and return the client object of the node at `uri`.

    Credentials are, in this order: `api_key`, the key in the URI, `username` with `password`, the
    environment variable TILED_API_KEY, the saved login, a login prompt if the server requires one.

    Parameters
    ----------
    uri
        URL of a server (its root container), of its API, or of a node.
    structure_clients
        "numpy" (the default) to read data at once, "dask" to read them when they are computed, or
        a dict of specs or structure families and the classes to use for them. An API key is
        accepted in this place, too: `from_uri(uri, "<key>")`.
    api_key
        An API key. White space around it is removed.
    username, password
        Log in on a server that has users. A missing password is prompted for in the terminal.
    remember
        Save the login for later sessions, and use a saved one.
    timeout
        Seconds after which connecting is given up, retries included. A refused connection, an
        unknown host and a wrong protocol fail at once.
    options
        Timeouts, and limits of later requests.
    cache
        Responses to reuse while the server confirms, for each request, that they are current: a
        folder to keep them in for later sessions, or a `Cache`; by default in memory. False for
        none.

    Returns
    -------
    Container, ArrayClient, TableClient, SparseClient, RaggedClient, AwkwardClient or BytesClient
        By the structure family of the node; a `Node` for families that this client does not know.
        Editors and type checkers assume a `Container`, which the root of a server is: for the
        address of another node use `typing.cast`, or open it from the root, as in
        `from_uri(server)["scans/x"]`.

    Raises
    ------
    Unauthorized
        If credentials are missing, wrong, or cannot be prompted for.
    NodeNotFound
        If there is no such node.
    TransportError
        If the server cannot be reached.
    InvalidResponse
        If this is not the URL of a Tiled server.
    ValueError
        For a malformed URL or key, two keys, a key and a username, or other structure clients.

    Examples
    --------
        client = from_uri("http://localhost:8000", api_key="secret")
        lazy = from_uri("http://localhost:8000", "dask", api_key="secret")
    """
    structure_clients, api_key = split_second_argument(structure_clients, api_key)
    session, path = open_session(
        uri,
        api_key,
        username,
        password,
        remember=remember,
        timeout=timeout,
        options=options,
        cache=cache,
    )
    http = session.http
    resource = run(request_resource(http.requests, path))
    http.deadline = None
    return Node.build(session.with_structure_clients(structure_clients), path, resource)


def open_session(
    uri: str,
    api_key: str | None,
    username: str | None,
    password: str | None,
    *,
    remember: bool,
    timeout: float,
    options: HttpOptions | None,
    cache: Cache | str | PathLike[str] | bool,
) -> tuple[ClientSession, Path]:
    """Return a session at a server, and the path of the node at `uri`; see `from_uri`.

    The session has the deadline of the first request of a node.
    """
    deadline = time.monotonic() + _positive(timeout)
    address = parse_uri(uri)
    key = _choose_key(api_key, address.api_key, username)
    reused = cache_of(cache)
    api = find_api(address.root, options, timeout)
    login_flow = LoginFlow(
        HttpClient(api.root, options=options),
        api.about.get("authentication") or {},
        options.token_folder if options else None,
    )
    http = HttpClient(
        api.root,
        key,
        options=options,
        supports_idempotency=bool((api.about.get("meta") or {}).get("idempotency_keys")),
        cache=reused,
    )
    session = ClientSession(http, login_flow)
    if username is not None:
        session.log_in(username, password, remember=remember)
    elif key is None:
        http.credentials = _default_credentials(login_flow, remember)
    if http.credentials.api_key is not None or not login_flow.providers:
        # A login may have taken a person any time.
        http.deadline = deadline
    return session, address.path


def _choose_key(argument: str | None, in_uri: str | None, username: str | None) -> str | None:
    """Return the API key to use; None for a login. Raises ValueError."""
    if argument is not None and in_uri is not None:
        raise ValueError("The API key is given twice: in the URI, and as api_key.")
    given = argument or in_uri
    if username is not None:
        if given:
            raise ValueError("Both an API key and a username are given: pass one of them.")
        return None
    key = given or api_key_from_environment()
    return None if key is None else clean_api_key(key)


def _positive(timeout: float) -> float:
    if not timeout > 0:
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
    return timeout


def _default_credentials(login_flow: LoginFlow, remember: bool) -> Credentials:
    """Return the credentials to use if none are given: a saved login, or that of a prompt."""
    if not login_flow.providers:
        if login_flow.required:
            raise Unauthorized(
                f"{login_flow.root} requires an API key: pass api_key=..., or set "
                f"{API_KEY_VARIABLE}."
            )
        return Credentials()
    if remember and (saved := login_flow.saved_credentials()) is not None and saved.is_valid():
        return saved
    if not login_flow.required:
        return Credentials()
    require_interactive()
    return login_flow.log_in(remember=remember)
