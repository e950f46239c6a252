"""`from_uri`: connect to a server and return the client object of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .auth.credentials import Credentials
from .auth.login import LoginFlow, require_interactive
from .errors import InvalidResponse, Unauthorized
from .http.client import HttpClient
from .http.session import ClientSession
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
    """Connect to a server, and return the client object of the node at `uri`.

    Credentials are, in this order: `api_key`, the key in the URI, `username` with `password`, the
    environment variable TILED_API_KEY, the saved login, a login prompt if the server requires one.

    Parameters
    ----------
    uri
        URL of a server (its root container), of its API, or of a node.
    api_key
        An API key.
    username, password
        Log in on a server that has users. A missing password is prompted for in the terminal.
    remember
        Save the login for later sessions, and use a saved one.
    options
        Timeouts, and limits of requests.

    Returns
    -------
    Container, ArrayClient, TableClient, SparseClient, RaggedClient, AwkwardClient or BytesClient
        By the structure family of the node; a `Node` for families that this client does not know.

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
        For a malformed URL, two keys, or a key and a username.

    Examples
    --------
        client = from_uri("http://localhost:8000", api_key="secret")
    """
    address = parse_uri(uri)
    if api_key is not None and address.api_key is not None:
        raise ValueError("The API key is given twice: in the URI, and as api_key.")
    key = api_key or address.api_key or api_key_from_environment()
    if username is not None and (api_key or address.api_key):
        raise ValueError("Both an API key and a username are given: pass one of them.")
    root, about = _find_api(address.root, options)
    login_flow = LoginFlow(HttpClient(root, options=options), about.get("authentication") or {})
    http = HttpClient(
        root,
        None if username else key,
        options=options,
        supports_idempotency=bool((about.get("meta") or {}).get("idempotency_keys")),
    )
    session = ClientSession(http, login_flow)
    if username is not None:
        session.log_in(username, password, remember=remember)
    elif key is None:
        http.credentials = _default_credentials(login_flow, remember)
    return Node.build(session, address.path, fetch_resource(http, address.path))


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


def _find_api(root: str, options: HttpOptions | None) -> tuple[str, Mapping[str, Any]]:
    """Return the URL of the API, after redirects, and the server's description of itself."""
    # Without credentials: a redirect may lead to any host.
    response = HttpClient(root, options=options).get("", ())
    about = response.value()
    if not isinstance(about, Mapping) or "api_version" not in about:
        raise InvalidResponse(f"{root} is not the API of a Tiled server.")
    return response.url.partition("?")[0].rstrip("/"), about
