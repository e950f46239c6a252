"""Addresses: of a server's API, of a node in it, and of a node's stream. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

Path = tuple[str, ...]
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Address:
    """The API's root without a trailing slash, a node's path in it, and a key if there is one."""

    root: str
    path: Path
    api_key: str | None = None


def parse_uri(uri: str) -> Address:
    """Read what a user pastes: a server, its API, or the `metadata` URI of a node.

    Raises ValueError for anything else.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{uri!r} is not an address like http://localhost:8000")
    before, found, node = parts.path.partition("/metadata")
    keys = dict(parse_qsl(parts.query))
    root = urlunsplit((parts.scheme, parts.netloc, _api_path(before), "", ""))
    path = split_path(unquote(node)) if found else ()
    return Address(root, path, keys.get("api_key") or None)


def split_path(text: str) -> Path:
    """The keys in a path; empty ones are dropped, as servers do."""
    return tuple(key for key in text.split("/") if key)


def node_url(root: str, endpoint: str, path: Path) -> str:
    """The URL of `endpoint` for the node at `path`, keys escaped; the root's ends in a slash."""
    keys = "/".join(quote(key, safe="") for key in path)
    return f"{root}/{endpoint}/{keys}" if endpoint else f"{root}/"


def stream_url(root: str, path: Path, query: Query) -> str:
    """The WebSocket URL of the stream of the node at `path`."""
    return _socket_url(node_url(root, "stream/single", path), query)


def connection_url(root: str, query: Query) -> str:
    """The WebSocket URL of a connection for several nodes."""
    return _socket_url(f"{root}/stream/multi", query)


def query_of(link: str) -> list[tuple[str, str]]:
    """The query parameters of a link that a server sent.

    Only these are taken from links: the rest holds keys that are not escaped, and sometimes a
    scheme or host that the server believes in and nobody else can reach. A key may hold a `?`.
    """
    return parse_qsl(link.rpartition("?")[2], keep_blank_values=True)


def _socket_url(address: str, query: Query) -> str:
    scheme = "wss" if address.startswith("https:") else "ws"
    return f"{scheme}{address[address.index(':') :]}?{urlencode(query)}"


def _api_path(path: str) -> str:
    path = path.rstrip("/")
    if "/api" not in path:
        return f"{path}/api/v1"
    return path if "/v1" in path.partition("/api")[2] else f"{path}/v1"
