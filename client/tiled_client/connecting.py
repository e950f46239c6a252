"""The way in: from an address to a client object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import Unauthorized, UnreadableAnswer
from .http import Http
from .nodes import Node
from .nodes.base import fetch_resource
from .settings import API_KEY_VARIABLE, HttpOptions, api_key_from_environment
from .uris import parse_uri


def from_uri(uri: str, api_key: str | None = None, *, options: HttpOptions | None = None) -> Any:
    """The client object for the node at `uri`: a Container, ArrayClient or TableClient.

    `uri` is that of a server (its root container is meant), of its API, or of a node. The key is
    `api_key`, else the one in the URI, else the environment variable TILED_API_KEY.

    Raises Unauthorized, NodeNotFound, TransportError, UnreadableAnswer, and ValueError for an
    address that is none or for two keys.
    """
    address = parse_uri(uri)
    if api_key is not None and address.api_key is not None:
        raise ValueError("The API key is given twice: in the URI, and as an argument.")
    key = api_key or address.api_key or api_key_from_environment()
    root, about = _find_api(address.root, options)
    required = (about.get("authentication") or {}).get("required")
    if required and key is None:
        raise Unauthorized(
            f"{root} requires an API key: pass api_key=..., or set {API_KEY_VARIABLE}."
        )
    remembers = bool((about.get("meta") or {}).get("idempotency_keys"))
    http = Http(root, key, options=options, remembers_keys=remembers)
    return Node.build(http, address.path, fetch_resource(http, address.path))


def _find_api(root: str, options: HttpOptions | None) -> tuple[str, Mapping[str, Any]]:
    """The API's root, to where it redirects if it does, and what it says about itself."""
    # No key yet: whoever redirects may be anyone.
    answer = Http(root, options=options).get("", ())
    about = answer.value()
    if not isinstance(about, Mapping) or "api_version" not in about:
        raise UnreadableAnswer(f"{root} is not the API of a Tiled server.")
    return answer.url.partition("?")[0].rstrip("/"), about
