"""Access log: a line for each HTTP request, and for the begin and end of each WebSocket.

A line has the method and path without the query, which may contain keys; the status, duration and
size of the response; the principal, the address and the route. Outermost application, so that
requests that are rejected before they reach Django are logged, too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from core import request_record
from core.request_record import SCOPE_KEY, RequestRecord

from ..config.logs import AccessLogMode, LogSettings
from . import health_views, request_ids
from .asgi_extensions import PREFLIGHT
from .root_path import inner_path

Application = Callable[[Any, Any, Any], Awaitable[None]]
Message = Mapping[str, Any]
Scope = MutableMapping[str, Any]

access_logger = logging.getLogger("access")
slow_logger = logging.getLogger("slow")

FIRST_REQUESTS = 10
MORE = (
    "Further requests of this worker are logged only if they fail with 500 or above "
    "(logs.access: all logs each, none logs none)."
)
MAX_PATH_LENGTH = 1000
# Of the path of a stream, as in `api/v1/stream/single`; the rest names a node.
ROUTE_PARTS = 4
# A client that has disconnected before the response began, as in nginx.
DISCONNECTED = 499
HANDSHAKE_ANSWERS = ("websocket.accept", "websocket.http.response.start")


class AccessLog:
    """ASGI middleware that gives each request an ID and a record, and logs it at its end."""

    def __init__(self, application: Application, settings: Callable[[], LogSettings]) -> None:
        self._application = application
        # Evaluated for each request, because the settings may be reloaded.
        self._settings = settings
        self._logged = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Run the application for one request or connection."""
        if scope["type"] == "http" and PREFLIGHT not in (scope.get("extensions") or {}):
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._application(scope, receive, send)

    async def _http(self, scope: Scope, receive: Any, send: Any) -> None:
        record = scope[SCOPE_KEY] = _record(scope, scope["method"])
        status = size = 0
        start = time.perf_counter()

        async def counting(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.body":
                size += memoryview(message.get("body", b"")).nbytes
            elif message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, counting)
        finally:
            seconds = time.perf_counter() - start
            slow = self._settings().slow_request_seconds
            if slow and record.handling_seconds > slow:
                _log_slow(record, status)
            if self._wants(record, status):
                self._log(record, {"status": status or DISCONNECTED, "bytes": size}, seconds)

    async def _websocket(self, scope: Scope, receive: Any, send: Any) -> None:
        record = scope[SCOPE_KEY] = _record(scope, "WEBSOCKET")
        record.route = "/".join(record.path.strip("/").split("/")[:ROUTE_PARTS])
        header = (request_ids.NAME, record.request_id.encode())
        start, ending, accepted = time.perf_counter(), 0, False

        async def receiving() -> Message:
            nonlocal ending
            message: Message = await receive()
            if message["type"] == "websocket.disconnect":
                ending = ending or message.get("code") or 1006
            return message

        async def sending(message: Message) -> None:
            nonlocal ending, accepted
            kind = message["type"]
            if kind in HANDSHAKE_ANSWERS:
                message = {**message, "headers": [*message.get("headers", ()), header]}
                accepted = kind == "websocket.accept"
                status = 101 if accepted else message["status"]
                if self._wants(record, status):
                    self._log(record, {"status": status}, time.perf_counter() - start)
            elif kind == "websocket.close":
                ending = message.get("code") or 1000
            await send(message)

        request_ids.current.set(record.request_id)
        request_record.current.set(record)
        try:
            await self._application(scope, receiving, sending)
        finally:
            if accepted and self._wants(record, 101):
                self._log(record, {"close_code": ending or 1006}, time.perf_counter() - start)

    def _wants(self, record: RequestRecord, status: int) -> bool:
        mode = self._settings().access
        if mode is AccessLogMode.none:
            return False
        if record.path in health_views.PATHS and status < 400:
            return False
        if mode is AccessLogMode.all or status >= 500:
            return True
        return self._logged < FIRST_REQUESTS

    def _log(self, record: RequestRecord, outcome: Mapping[str, Any], seconds: float) -> None:
        fields = {**_fields(record, seconds), **outcome}
        access_logger.info(
            "%s %s %s, %.1f ms, %s, %s",
            record.method,
            fields["path"],
            _outcome(outcome),
            1000 * seconds,
            record.principal or "-",
            record.address or "-",
            extra={"fields": fields, "request_name": f" [{record.request_id}]"},
        )
        self._logged += 1
        if self._settings().access is AccessLogMode.first and self._logged == FIRST_REQUESTS:
            access_logger.info(MORE)


def _outcome(outcome: Mapping[str, Any]) -> str:
    if "close_code" in outcome:
        return f"closed {outcome['close_code']}"
    size = outcome.get("bytes")
    return f"{outcome['status']}" if size is None else f"{outcome['status']}, {size} B"


def _record(scope: Scope, method: str) -> RequestRecord:
    name = request_ids.request_id(scope["headers"])
    client = scope.get("client")
    return RequestRecord(name, method, inner_path(scope), str(client[0]) if client else "")


def _log_slow(record: RequestRecord, status: int) -> None:
    fields = {**_fields(record, record.handling_seconds), "status": status or DISCONNECTED}
    slow_logger.warning(
        "The server worked on %s %s for %.1f seconds (status %s, logs.slow_request_seconds).",
        record.method,
        fields["path"],
        record.handling_seconds,
        fields["status"],
        extra={"fields": fields, "request_name": f" [{record.request_id}]"},
    )


def _fields(record: RequestRecord, seconds: float) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "method": record.method,
        "path": _printable(record.path),
        "route": record.route,
        "principal": record.principal,
        "address": record.address,
        "duration_ms": round(1000 * seconds, 1),
    }


def _printable(path: str) -> str:
    """Return the path in one line; line breaks in it could forge log lines."""
    shown = path if path.isprintable() and " " not in path else quote(path, errors="replace")
    return shown if len(shown) <= MAX_PATH_LENGTH else f"{shown[:MAX_PATH_LENGTH]}…"
