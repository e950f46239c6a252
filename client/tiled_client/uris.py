"""URLs of a server's API, of a node, and of a node's stream. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

Path = tuple[str, ...]
QueryParams = Sequence[tuple[str, str]]
MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Address:
    """URL of an API without a trailing slash, the path of a node in it, and an API key if given."""

    root: str
    path: Path
    api_key: str | None = field(default=None, repr=False)


def is_uri(text: str) -> bool:
    """Return whether a text names a file by a URI, as in ``file://…`` and ``s3://…``."""
    return text.startswith("file:") or "://" in text


def file_name(text: str) -> str:
    """Return the path of a file, or the URI of an object, without percent-encoding."""
    if not is_uri(text):
        return text
    parts = urlsplit(text.replace("?", "%3F"))
    place = "" if parts.scheme == "file" else f"{parts.scheme}://{parts.netloc}"
    return place + unquote(parts.path)


def parse_uri(uri: str) -> Address:
    """Parse the URL of a server, of its API, or of a node (its `metadata` URL).

    Raises ValueError for other URLs, TypeError for other types.
    """
    if not isinstance(uri, str):
        raise TypeError(f"The URL must be a string such as 'http://localhost:8000', not {uri!r}")
    uri = uri.strip()
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError(f"{uri.partition('?')[0]!r} is not a URL like http://localhost:8000")
    if "@" in parts.netloc:
        raise ValueError(
            f"The URL {without_secrets(uri)} was given with a user name: pass username=... and "
            "password=..., or api_key=... instead."
        )
    before, found, node = parts.path.partition("/metadata")
    keys = dict(parse_qsl(parts.query))
    root = urlunsplit((parts.scheme, parts.netloc, _api_path(before), "", ""))
    path = split_path(unquote(node)) if found else ()
    return Address(root, path, keys.get("api_key") or None)


def without_secrets(url: str) -> str:
    """Return a URL without user name, password, query and fragment, which may hold secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def split_path(text: str) -> Path:
    """Return the keys of a path; empty ones are dropped, as servers do."""
    return tuple(key for key in text.split("/") if key)


def path_text(path: Path) -> str:
    """Return a path as users read it: "/" for the root."""
    return "/" + "/".join(path)


def quoted_path(path: Path) -> str:
    """Return a path in quotes, for representations; of a long one, the end."""
    text = path_text(path)
    return repr(text if len(text) <= MAX_SHOWN else f"...{text[-MAX_SHOWN:]}")


def node_url(root: str, endpoint: str, path: Path) -> str:
    """Return the URL of an endpoint for a node, with escaped keys; the root URL ends in a slash."""
    keys = "/".join(quote(key, safe="") for key in path)
    return f"{root}/{endpoint}/{keys}" if endpoint else f"{root}/"


def stream_url(root: str, path: Path, query: QueryParams) -> str:
    """Return the WebSocket URL of the stream of one node."""
    return _websocket_url(node_url(root, "stream/single", path), query)


def connection_url(root: str, query: QueryParams) -> str:
    """Return the WebSocket URL of a connection for several nodes."""
    return _websocket_url(f"{root}/stream/multi", query)


def ingest_url(root: str) -> str:
    """Return the WebSocket URL of the ingest endpoint."""
    return _websocket_url(f"{root}/ingest", []).removesuffix("?")


def query_of(link: str) -> list[tuple[str, str]]:
    """Return the query parameters of a link that a server sent.

    The rest of the link is not used: keys in it are not escaped, and its scheme and host may not be
    reachable from here. Since a key may hold a `?`, the last one starts the query.
    """
    return parse_qsl(link.rpartition("?")[2], keep_blank_values=True)


def _websocket_url(address: str, query: QueryParams) -> str:
    scheme = "wss" if address.startswith("https:") else "ws"
    return f"{scheme}{address[address.index(':') :]}?{urlencode(query)}"


def _api_path(path: str) -> str:
    path = path.rstrip("/")
    if "/api" not in path:
        return f"{path}/api/v1"
    return path if "/v1" in path.partition("/api")[2] else f"{path}/v1"
