"""WebSocket clients for tests, and HTTP requests of producers, at a running server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.servers import RunningServer
from tiled_client.wire.structures import ArrayStructure, TableStructure

OCTETS = "application/octet-stream"
ARROW = "application/vnd.apache.arrow.file"
KEY = "secret"
INT64 = {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None}


@dataclass
class Socket:
    """The client side of one connection."""

    connection: ClientConnection

    def next(self) -> Any:
        """Return the next message, decoded from either envelope."""
        frame = self.connection.recv(timeout=30)
        return json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)

    def send_command(self, **message: Any) -> None:
        """Send a command on a connection for many nodes."""
        self.connection.send(json.dumps(message))

    def next_for(self, name: str | None, path: str | None = None) -> dict[str, Any]:
        """Return the next message, which must be for that id (and about that path)."""
        id_, about, message = self.next()
        assert id_ == name, (id_, about, message)
        assert path in (None, about), (id_, about, message)
        return message

    def sequences(self, count: int) -> list[int]:
        return [self.next()["sequence"] for _ in range(count)]

    def closing(self) -> tuple[int, str]:
        """Return code and reason of the close, which must come before any message."""
        with pytest.raises(ConnectionClosed) as closed:
            self.connection.recv(timeout=15)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


@dataclass
class Site:
    """A running server and its key."""

    server: RunningServer

    @property
    def api(self) -> str:
        return f"{self.server.uri.rstrip('/')}/api/v1"

    def http(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Apikey {KEY}", **options.pop("headers", {})}
        return requests.request(method, self.api + path, headers=headers, timeout=10, **options)

    def done(self, method: str, path: str, **options: Any) -> Any:
        response = self.http(method, path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def create(self, family: str, parent: str = "", structure: Any = None, **body: Any) -> str:
        """Create a node; return its path."""
        key = body.pop("id", None) or f"n{uuid.uuid4().hex}"
        sources = [{"structure_family": family, "structure": structure}] if structure else []
        body = {"id": key, "structure_family": family, "data_sources": sources, **body}
        self.done("POST", f"/metadata/{parent}", json={"metadata": {}, "specs": [], **body})
        return f"{parent}/{key}" if parent else key

    def array(self, array: Any = (0, 0, 0), **options: Any) -> str:
        structure = ArrayStructure.from_array(np.asarray(array)).to_json()
        return self.create("array", structure=structure, **options)

    def table(self, table: pa.Table) -> str:
        return self.create("table", structure=TableStructure.from_schema(table.schema).to_json())

    def write(self, path: str, array: Any, where: str = "") -> None:
        body = np.asarray(array).tobytes()
        self.done("PUT", f"/array/full/{path}{where}", data=body, headers={"Content-Type": OCTETS})

    def close(self, path: str) -> None:
        self.done("DELETE", f"/stream/close/{path}")

    @contextmanager
    def socket(
        self, path: str, *, key: str | None = KEY, headers: dict[str, str] | None = None
    ) -> Iterator[Socket]:
        """Subscribe to `path`, which may end in a query."""
        credentials = {"Authorization": f"Apikey {key}"} if key else {}
        uri = f"{self.api}/stream/single{path}".replace("http", "ws", 1)
        with connect(
            uri, additional_headers={**credentials, **(headers or {})}, max_size=None
        ) as connection:
            yield Socket(connection)

    @contextmanager
    def multi(
        self,
        query: str = "",
        *,
        key: str | None = KEY,
        offer: Sequence[str] = (),
        headers: dict[str, str] | None = None,
    ) -> Iterator[Socket]:
        """Connect for many nodes, with subprotocols to offer."""
        credentials = {"Authorization": f"Apikey {key}"} if key else {}
        credentials.update(headers or {})
        uri = f"{self.api}/stream/multi{query}".replace("http", "ws", 1)
        offered = [Subprotocol(name) for name in offer] or None
        options: Any = {"subprotocols": offered, "max_size": None}
        with connect(uri, additional_headers=credentials, **options) as connection:
            yield Socket(connection)

    def rejection(self, path: str, **options: Any) -> Response:
        """Return the response to a handshake that is rejected."""
        with pytest.raises(InvalidStatus) as rejected, self.socket(path, **options):
            pass
        return rejected.value.response


def arrow_file(table: pa.Table) -> bytes:
    """Return the body in which clients send a table."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
