"""Map error responses to exceptions: the one place where these get their sentences.

The body of an error is JSON with `detail` and, from servers of this project, `code`. Any other body
is that of a proxy, or of a program other than a Tiled server; it is never shown.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from ..errors import (
    NODE_EXISTS,
    NODE_REPLACED,
    NodeExists,
    NotSupported,
    TiledClientError,
    error_for_status,
)
from ..uris import Path, split_path, without_secrets
from .request import Request

MAX_DETAIL_LENGTH = 1000
REQUEST_ID = "X-Tiled-Request-ID"

NOT_EMPTY = "not_empty"
CREATING = ("metadata", "register", "register-files")

# Sentences about responses without an explanation.
UNEXPLAINED = {
    401: "A proxy, or another program at this address, requires a separate login.",
    403: "A proxy, or another program at this address, rejects the request.",
    404: "This is not a URL of a Tiled server.",
    405: "This is not a URL of a Tiled server.",
    413: "The request is too large for a proxy before the server: write smaller parts.",
    429: "A proxy before the server limits the rate of requests.",
    500: "The server failed with an internal error; its log has the cause.",
    502: "A proxy before the server got no valid response from it: it may be down.",
    503: "The server is not available at present.",
    504: "A proxy before the server got no response from it in time.",
}

# Query parameters in the words of servers, and their spelling in Python.
IN_PYTHON: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\bUse \?(\w+)=(true|false)"), lambda m: f"Pass {m[1]}={m[2].capitalize()}"),
    (re.compile(r"\('\?slice=\.\.\.'\)"), "(x[...])"),
    (re.compile(r"'?\?field=\.\.\.'?"), "fields=[...]"),
    (re.compile(r"'?\?(\w+)=\.\.\.'?"), r"\1=..."),
    (re.compile(r"\?(\w+)=(true|false)"), lambda m: f"{m[1]}={m[2].capitalize()}"),
    (re.compile(r"`(\w+=\w+)`"), r"\1"),
)
NO_SUCH_ENTRY = re.compile(r"No such entry: (\[.*\])")
SCOPES = re.compile(r"Requires scopes (\[.*?\])\. (?:Request|Principal) had scopes (\[.*?\])")
# Of URLs without a view, from both this project's server and Tiled's.
NO_ENDPOINT = "Not Found"
INTERNAL_ERROR = "Internal server error"
OTHER_FAMILY = re.compile(
    r"The node at (.*) has structure family (?:StructureFamily\.)?(\w+) and this endpoint is"
)
INVALID_KEY = "Invalid API key"


def error_for_response(
    status: int, headers: Mapping[str, str], content: bytes, request: Request
) -> TiledClientError:
    """Return the error that a response with a status of 400 or more means."""
    body = _decode(content)
    code, detail = body.get("code"), body.get("detail")
    if status == 409 and code is None and _is_creation(request):
        code = NODE_EXISTS
    if status == 404 and detail == NO_ENDPOINT and request.endpoint:
        return NotSupported(
            f"This server does not support this: it has no endpoint {request.endpoint!r}.",
            status=status,
            url=without_secrets(request.url),
        )
    after = headers.get("Retry-After") or ""
    error = error_for_status(
        status,
        _unexplained(status, headers) if detail is None else _sentence(request, code, detail),
        retry_after=float(after) if after.replace(".", "", 1).isdigit() else None,
        code=code if isinstance(code, str) else None,
        url=without_secrets(request.url),
    )
    error.is_foreign = detail is None
    if isinstance(error, NodeExists) and isinstance(detail, str):
        error.path = split_path(detail)
    return error


def in_python(detail: str) -> str:
    """Return an explanation of a server in the words of this client."""
    for pattern, replacement in IN_PYTHON:
        detail = pattern.sub(replacement, detail)
    if found := NO_SUCH_ENTRY.fullmatch(detail):
        return f"No such entry: there is no node {_path_text(_names(found[1]))}."
    if found := SCOPES.search(detail):
        needed, given = (", ".join(_names(found[n])) or "none" for n in (1, 2))
        return (
            f"The credentials do not permit this: it requires the scopes {needed}, and they have "
            f"{given}. Use a key, or log in, with more scopes."
        )
    if found := OTHER_FAMILY.match(detail):
        return (
            f"The node /{found[1]} is of family {found[2]}, for which there is no such operation."
        )
    if detail == INTERNAL_ERROR:
        return UNEXPLAINED[500]
    if detail == INVALID_KEY:
        return f"{detail}: it is mistyped, has expired, or was revoked. Get another one."
    return detail


def _sentence(request: Request, code: Any, detail: Any) -> str:
    if code == NOT_EMPTY and _is_creation(request):
        return (
            "The container that is to be replaced has children. Delete them first, with "
            "delete_contents(recursive=True), or use another key."
        )
    if code == NODE_EXISTS and isinstance(detail, str) and detail.startswith("/"):
        return _exists(split_path(detail))
    if code == NODE_REPLACED:
        return f"{detail} Nothing was changed. Get the new node from its container."
    if isinstance(detail, list):
        return "; ".join(map(_field_error, detail)) or "The server rejected a value."
    text = detail if isinstance(detail, str) else json.dumps(detail)
    return in_python(text[:MAX_DETAIL_LENGTH])


def _exists(path: Path) -> str:
    index = ", ".join(map(repr, path))
    return (
        f"A node {path[-1]!r} already exists in {_path_text(path[:-1])}. Use another key, "
        f"client[{index}] to open it, or if_exists='open' or 'replace'."
    )


def _field_error(error: Any) -> str:
    """Return one of pydantic's errors as text: the name of the field, and what is wrong."""
    if not isinstance(error, Mapping):
        return str(error)
    place = [str(part) for part in error.get("loc") or () if part not in ("query", "body", "path")]
    message = str(error.get("msg") or "invalid")
    return f"{'.'.join(place)}: {message}" if place else message


def _unexplained(status: int, headers: Mapping[str, str]) -> str:
    if (sentence := UNEXPLAINED.get(status)) is None:
        known = {each.value: each.phrase for each in HTTPStatus}
        sentence = f"The server, or a proxy before it, sent {known.get(status, 'an error')}."
    if status == 500 and (request_id := headers.get(REQUEST_ID)):
        return f"{sentence} Request ID: {request_id}."
    return sentence


def _decode(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _is_creation(request: Request) -> bool:
    return request.method == "POST" and request.endpoint in CREATING


def _names(text: str) -> list[str]:
    """Return the names of a Python list that a server wrote."""
    try:
        return [str(name) for name in ast.literal_eval(text)]
    except (ValueError, SyntaxError, TypeError):
        return [text]


def _path_text(path: Path | list[str]) -> str:
    return "/" + "/".join(path)
