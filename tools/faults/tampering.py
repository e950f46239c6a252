"""A proxy that breaks a server on purpose: it drops and doubles updates of streams."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import BinaryIO

from tools.backends.ports import free_port

BINARY = 0x82


class Tampering:
    """A proxy before `port`. Of the updates of one connection, it treats those `at` wrongly.

    `copies` is how often such an update is passed on: 0 drops it, 2 doubles it.
    """

    def __init__(self, port: int, *, at: int, copies: int) -> None:
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._target = port
        self._at = at
        self._copies = copies
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                threading.Thread(target=self._tamper, args=(server, client), daemon=True).start()

    def _tamper(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError, ValueError), server, client, server.makefile("rb") as incoming:
            while (line := incoming.readline()) not in {b"\r\n", b""}:
                client.sendall(line)
            client.sendall(b"\r\n")
            count = 0
            while frame := _frame(incoming):
                count += frame[0] == BINARY
                tampered = frame[0] == BINARY and count == self._at
                client.sendall(frame * (self._copies if tampered else 1))


def _frame(incoming: BinaryIO) -> bytes:
    """Read one frame of a server, which masks none. Raises ValueError at the end."""
    head = incoming.read(2)
    if len(head) < 2:
        raise ValueError
    length = head[1] & 0x7F
    more = incoming.read({126: 2, 127: 8}.get(length, 0))
    return head + more + incoming.read(int.from_bytes(more) if more else length)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
