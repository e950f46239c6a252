"""Scripted HTTP and WebSocket servers on real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgpack
import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from tiled_client import ArrayClient, ArrayStructure
from tiled_client.documents import Resource
from tiled_client.http.client import HttpClient
from tiled_client.http.session import ClientSession

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

Visit = Callable[[ServerConnection], None]


class StreamPeer:
    """A WebSocket server that plays a script for each connection, and the last one repeatedly."""

    def __init__(self) -> None:
        self.scripts: list[Visit | Response] = []
        self.queries: list[dict[str, str]] = []
        self.headers: list[Any] = []
        self._changed = threading.Condition()
        self._server = serve(
            self._play, "127.0.0.1", 0, process_request=self._admit, compression=None
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{port_of(self._server)}/api/v1"

    def array(self, shape: tuple[int, ...] = (3,)) -> ArrayClient:
        """Return the client object of an array that this server streams."""
        structure = ArrayStructure.from_array(np.zeros(shape, "<i8"))
        resource = Resource(family="array", structure=structure)
        return ArrayClient(ClientSession(HttpClient(self.root, "key")), ("x",), resource)

    def plays(self, *scripts: Visit | Response) -> None:
        """Set the scripts of the next connections; a Response rejects the handshake."""
        self.scripts = list(scripts)

    def wait_for_visits(self, count: int, timeout: float = 10.0) -> None:
        """Wait until there have been `count` handshakes."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.queries) >= count, timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(5)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.path).query).items()}
        with self._changed:
            visit = self.scripts[min(len(self.queries), len(self.scripts) - 1)]
            self.queries.append(query)
            self.headers.append(request.headers)
            self._changed.notify_all()
        connection.visit = visit  # type: ignore[attr-defined]
        return visit if isinstance(visit, Response) else None

    def _play(self, connection: ServerConnection) -> None:
        try:
            connection.visit(connection)  # type: ignore[attr-defined]
        except ConnectionClosed:
            return


def port_of(server: Server) -> int:
    return int(server.socket.getsockname()[1])


def visit(*acts: Visit) -> Visit:
    """Return a script that plays the `acts` in order."""

    def play(connection: ServerConnection) -> None:
        for act in acts:
            act(connection)

    return play


def says(message: dict[str, Any]) -> Visit:
    """Return a script that sends a message."""
    frame = msgpack.packb(message)
    return lambda connection: connection.send(frame)


def schema(epoch: str | None = None, sequence: int | None = None) -> Visit:
    return says(schema_message(epoch, sequence))


def schema_message(epoch: str | None = None, sequence: int | None = None) -> dict[str, Any]:
    """Return a schema message: Tiled's, or with an epoch that of this project's server."""
    data_type = {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None}
    message = {"type": "array-schema", "version": 1, "data_type": data_type}
    return message if epoch is None else {**message, "epoch": epoch, "sequence": sequence}


def updates(*sequences: int, epoch: str | None = None, at: float | None = None) -> Visit:
    """Return a script of full writes, each of its own sequence number.

    Their timestamps are a second apart, or all are `at` seconds after noon.
    """
    return visit(*(says(update(n, epoch=epoch, at=at)) for n in sequences))


def update(sequence: int, *, epoch: str | None = None, at: float | None = None) -> dict[str, Any]:
    moment = NOON + timedelta(seconds=sequence if at is None else at)
    message = {
        "type": "array-data",
        "sequence": sequence,
        "timestamp": moment.isoformat(),
        "mimetype": "application/octet-stream",
        "shape": [1],
        "offset": None,
        "block": None,
        "payload": np.array([sequence], "<i8").tobytes(),
    }
    return message if epoch is None else {**message, "epoch": epoch}


def gap(first: int, last: int, reason: str = "expired", epoch: str = "e") -> Visit:
    message = {"type": "gap", "epoch": epoch, "from": first, "to": last, "reason": reason}
    return says({**message, "uri": "http://h/x", "timestamp": NOON.isoformat()})


def reset(epoch: str | None, previous: str | None, top: int = 0) -> Visit:
    message = {"type": "reset", "epoch": epoch, "previous": previous, "sequence": top}
    return says({**message, "timestamp": NOON.isoformat()})


def heartbeat(top: int, *, epoch: str = "e", at: float = 0) -> Visit:
    moment = (NOON + timedelta(seconds=at)).isoformat()
    return says({"type": "heartbeat", "epoch": epoch, "sequence": top, "timestamp": moment})


def closes(code: int, reason: str = "") -> Visit:
    return lambda connection: connection.close(code, reason)


def drops(connection: ServerConnection) -> None:
    """End the TCP connection without a close frame."""
    connection.socket.shutdown(2)


def stays(connection: ServerConnection) -> None:
    """Send nothing more until the client disconnects."""
    for _ in connection:
        pass


Answer = Callable[[dict[str, Any]], Sequence[tuple[str, dict[str, Any]]]]


def converses(answer: Answer) -> Visit:
    """Return a script that answers each command on a multiplexed connection.

    `answer` returns pairs of path and message.
    """

    def play(connection: ServerConnection) -> None:
        for frame in connection:
            request = json.loads(frame)
            for path, message in answer(request):
                connection.send(msgpack.packb([request["id"], path, message]))

    return play


def refuses(status: int, detail: str = "no", **headers: str) -> Response:
    """Return the response that rejects a handshake."""
    from websockets.datastructures import Headers

    body = json.dumps({"detail": detail}).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    return Response(status, HTTPStatus(status).phrase, Headers(fields), body)


@dataclass
class Exchange:
    """A request that the server received."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """A response; with `cut` the connection is closed before the whole body was sent."""

    status: int = 200
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: bool = False


class HttpPeer:
    """An HTTP server with a reply for each request, the last one repeatedly."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.exchanges: list[Exchange] = []
        self._lock = threading.Lock()
        self._begun = 0
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                peer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/v1"

    def http(self, **options: Any) -> HttpClient:
        return HttpClient(self.root, "key", **options)

    def gives(self, *replies: Reply) -> None:
        """Set the replies to the next requests."""
        self.replies, self._begun = list(replies), len(self.exchanges)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        exchange = Exchange(
            handler.command, parts.path, parse_qs(parts.query), dict(handler.headers), body
        )
        with self._lock:
            reply = self.replies[min(len(self.exchanges) - self._begun, len(self.replies) - 1)]
            self.exchanges.append(exchange)
        self._send(handler, reply)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        body = json.dumps(reply.value).encode() if reply.body is None else reply.body
        handler.send_response(reply.status)
        fields = {"Content-Type": "application/json", **reply.headers}
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) + 10 * reply.cut))
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = reply.cut


def sequences(heard: Sequence[Any]) -> list[int]:
    return [update.sequence for update in heard]
