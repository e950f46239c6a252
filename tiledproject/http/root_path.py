"""Serve the site below a path of its host, such as `/tiled`.

The prefix is `server.root_path`, or what a trusted proxy sends in `X-Forwarded-Prefix`. A proxy may
remove the prefix from the paths that it forwards, or leave it there: both are answered. Behind this
middleware a path always begins with the prefix, which is the scope's `root_path`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from access.api.exception_handler import error_response
from core.errors import BadRequest

from ..config.root_paths import check_root_path

HEADER = b"x-forwarded-prefix"

Application = Callable[[Any, Any, Any], Awaitable[None]]
Scope = dict[str, Any]
Headers = Iterable[tuple[bytes, bytes]]


class RootPathMiddleware:
    """ASGI middleware that sets the path below which a connection reaches the site."""

    def __init__(self, application: Application, root_path: str) -> None:
        self._application = application
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a connection on, or refuse one whose proxy sends a prefix that is not a path."""
        if scope["type"] in ("http", "websocket"):
            try:
                prefix = _forwarded(scope["headers"]) or self._root_path
            except BadRequest as error:
                await _refuse(error, scope, send)
                return
            if prefix:
                scope = {**scope, "root_path": prefix, "path": _below(prefix, scope["path"])}
        await self._application(scope, receive, send)


def inner_path(scope: Mapping[str, Any]) -> str:
    """Return the path of a connection without the prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


async def _refuse(error: BadRequest, scope: Scope, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": error.close_code, "reason": error.detail})
        return
    # Before the request has an ID and a record, which other responses of errors name.
    response = error_response(error.status, error.detail)
    headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _below(prefix: str, path: str) -> str:
    if path == prefix:
        return f"{prefix}/"
    return path if path.startswith(f"{prefix}/") else prefix + path


def _forwarded(headers: Headers) -> str:
    """Return the prefix that proxies forward: each adds the one that it has removed."""
    given = [value for name, value in headers if name == HEADER]
    if not given:
        return ""
    try:
        parts = b",".join(given).decode("ascii").split(",")
        return "".join(check_root_path(part.strip()) for part in parts)
    except ValueError as error:
        raise BadRequest(f"The header X-Forwarded-Prefix of the proxy {error}.") from None
