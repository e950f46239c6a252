"""A producer for tests that speaks the protocol of the ingest endpoint itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.streaming.websocket_client import KEY, Site
from tiled_client.wire.ingest import decode_reply, encode_header
from tiled_client.wire.subprotocols import INGEST

PRODUCER = "test-producer"


@dataclass
class Producer:
    """The client side of one connection."""

    connection: ClientConnection
    hello: dict[str, Any]
    replies: list[dict[str, Any]] = field(default_factory=list)

    def send(self, payload: bytes = b"", **header: Any) -> None:
        """Send a frame."""
        self.connection.send(encode_header(header) + payload)

    def next(self) -> dict[str, Any]:
        """Return the next reply."""
        message = self.connection.recv(timeout=15)
        assert isinstance(message, bytes)
        reply = decode_reply(message)
        self.replies.append(reply)
        return reply

    def open(self, handle: int, path: str, producer: str = PRODUCER, **more: Any) -> dict[str, Any]:
        """Open a node, and return the reply."""
        self.send(op="open", handle=handle, path=path, producer=producer, **more)
        return self.next()

    def until_applied(self, handle: int, sequence: int) -> list[dict[str, Any]]:
        """Return the replies up to the acknowledgement of a frame."""
        begun = len(self.replies)
        while True:
            reply = self.next()
            is_ack = (reply["type"], reply.get("handle")) == ("ack", handle)
            if is_ack and reply["applied"] >= sequence:
                return self.replies[begun:]


@contextmanager
def producing(site: Site, key: str | None = KEY, **options: Any) -> Iterator[Producer]:
    """Connect a producer, which sends the text `first` first if it is given."""
    first = options.pop("first", None)
    uri = f"{site.api}/ingest".replace("http", "ws", 1)
    headers = {"Authorization": f"Apikey {key}"} if key else {}
    offered: list[Subprotocol] = options.pop("subprotocols", [Subprotocol(INGEST)])
    with connect(
        uri,
        additional_headers=headers,
        subprotocols=offered or None,
        max_size=None,
        compression=None,
        **options,
    ) as connection:
        if first is not None:
            connection.send(first)
        hello = decode_reply(connection.recv(timeout=15))  # type: ignore[arg-type]
        assert hello["type"] == "hello"
        yield Producer(connection, hello)


def row(*values: int) -> bytes:
    """Return a payload of int64."""
    return np.array(values, "<i8").tobytes()
