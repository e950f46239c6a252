"""The server without its sockets, run in the thread of the test.

`WSGI` is the same as a WSGI application, for tools that need one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from asgiref.sync import async_to_sync
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tiledproject.http.handlers import PreparedResponse, RequestHandler
from tiledproject.http.request_bodies import BodyReceiver

Pairs = Iterable[tuple[str, str]]


@cache
def handler() -> RequestHandler:
    return RequestHandler()


def answer(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> PreparedResponse:
    """Return the response to a request; `target` is path and query, encoded."""
    path, _, query = target.partition("?")
    pairs = {"host": "localhost", "content-length": str(len(body)), **(headers or {})}
    return _answer(method, path, query.encode("latin-1"), pairs.items(), body)


def header(answer: PreparedResponse, name: str) -> str | None:
    """Return the value of a header; None if there is none."""
    found = [value for said, value in answer.headers if said.decode().lower() == name.lower()]
    return found[-1].decode("latin-1") if found else None


def content(answer: PreparedResponse) -> bytes:
    """Return the whole body, also of a streaming response."""
    if answer.stream is None:
        return answer.body
    whole = (
        async_to_sync(_joined)(answer.stream) if answer.stream.is_async else b"".join(answer.stream)
    )
    with _connections_kept():
        answer.stream.close()
    return whole


async def _joined(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


def _answer(method: str, path: str, query: bytes, headers: Pairs, body: bytes) -> PreparedResponse:
    raw = path.encode("latin-1")
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(raw).decode(errors="replace"),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    arrived = BodyReceiver(largest=1 << 30)
    whole = async_to_sync(arrived.receive)(scope, _receiver(body))
    try:
        with _connections_kept():
            return handler().answer(scope, whole)
    finally:
        whole.close()


@contextmanager
def _connections_kept() -> Iterator[None]:
    """Keep Django from closing the test's connection, which is in a transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


def _receiver(body: bytes) -> Any:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def WSGI(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:  # noqa: N802
    """The server as a WSGI application."""
    names = ("CONTENT_TYPE", "CONTENT_LENGTH")
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in environ.items()
        if (name.startswith("HTTP_") or name in names) and value
    ]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    target = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    got = _answer(
        environ["REQUEST_METHOD"],
        target.partition("?")[0],
        environ.get("QUERY_STRING", "").encode("latin-1"),
        headers,
        environ["wsgi.input"].read(length),
    )
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in got.headers]
    start_response(f"{got.status} {HTTPStatus(got.status).phrase}", pairs)
    return [content(got)]
