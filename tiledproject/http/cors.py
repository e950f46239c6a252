"""CORS for HTTP, and a check of the origin of WebSockets.

Clients that are not browsers send no Origin and are not restricted. Source: docs/reference/tiled-
protocol/http.md, "Response headers".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase

from core.http.origins import is_same_origin
from core.http.responses import json_bytes

ANY_ORIGIN = "*"
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED_HEADERS = "X-Tiled-Request-ID"
MAX_AGE_SECONDS = "600"

Application = Callable[[Any, Any, Any], Awaitable[None]]


def preflight_response(request: HttpRequest) -> HttpResponse | None:
    """Return the response to a CORS preflight; None for any other request."""
    origin = request.META.get("HTTP_ORIGIN")
    if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.META:
        return None
    if not origin or not is_allowed(origin, settings.TILED.server.allow_origins):
        return HttpResponse("Disallowed CORS origin", status=400, content_type="text/plain")
    headers = {"Access-Control-Allow-Methods": METHODS, "Access-Control-Max-Age": MAX_AGE_SECONDS}
    wanted = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")
    if wanted:
        headers["Access-Control-Allow-Headers"] = wanted
    return HttpResponse("OK", content_type="text/plain", headers=headers)


def add_cors_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the CORS headers to a response."""
    origin = request.META.get("HTTP_ORIGIN")
    if not origin:
        return
    allowed = settings.TILED.server.allow_origins
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if origin in allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
    elif ANY_ORIGIN in allowed:
        # With `*`, browsers do not let a page read responses to requests with cookies.
        response.headers["Access-Control-Allow-Origin"] = ANY_ORIGIN


def is_allowed(origin: str, allowed: Collection[str]) -> bool:
    """Return whether pages of `origin` may use the site."""
    return ANY_ORIGIN in allowed or origin in allowed


class WebSocketOriginGuard:
    """ASGI middleware that checks `Host` and `Origin` of WebSocket handshakes.

    Browsers do not apply the same-origin policy to WebSockets, so any page that a visitor opens
    could read streams. The host must be one of the site's, and the origin an allowed one.
    """

    def __init__(
        self, application: Application, *, hosts: Collection[str], origins: Collection[str]
    ) -> None:
        self._application = application
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass a handshake on, or reject it."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers)
        if refusal is None:
            await self._application(scope, receive, send)
        else:
            await receive()
            await _refuse(scope, send, *refusal)

    def _refusal(self, headers: Mapping[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"x-forwarded-host", headers.get(b"host", "")).split(",")[0].strip()
        domain, _ = split_domain_port(host)
        if host and not validate_host(domain, self._hosts):
            return 400, (
                f"Unknown host {host!r}. An administrator can add it to the setting "
                "server.allowed_hosts."
            )
        origin = headers.get(b"origin")
        if origin is None or is_allowed(origin, self._origins) or is_same_origin(origin, host):
            return None
        return 403, (
            f"WebSockets from the origin {origin!r} are not allowed. An administrator can add it "
            "to the setting server.allow_origins."
        )


async def _refuse(scope: Mapping[str, Any], send: Any, status: int, detail: str) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    body = json_bytes({"detail": detail})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    start = {"type": "websocket.http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})
