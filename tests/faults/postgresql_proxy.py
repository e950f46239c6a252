"""A proxy in front of PostgreSQL that drops its responses."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """Forwards connections to PostgreSQL; drops the response to a COMMIT on demand."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._armed = threading.Event()
        self._away = threading.Event()
        self.dropped = 0
        self._then_away = False
        self._when: threading.Event | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_next_answer(
        self, *, then_away: bool = False, when: threading.Event | None = None
    ) -> None:
        """Forward the next COMMIT, and drop its response once `when` is set.

        With `then_away`, refuse connections from then on.
        """
        self._then_away, self._when = then_away, when
        self._armed.set()

    def come_back(self) -> None:
        """Accept connections again."""
        self._away.clear()

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._away.is_set():
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                dropping = threading.Event()
                for way in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._carry, args=(*way, dropping), daemon=True).start()

    def _go_away(self) -> None:
        self._away.set()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open = []

    def _carry(
        self, source: socket.socket, target: socket.socket, up: bool, dropping: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if up and self._armed.is_set() and b"COMMIT\0" in data:
                    self._armed.clear()
                    dropping.set()
                    target.sendall(data)
                    continue
                if not up and dropping.is_set():
                    # The transaction is committed, and its client does not learn of it.
                    self.dropped += 1
                    if self._when is not None:
                        self._when.wait(60)
                    if self._then_away:
                        self._go_away()
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()
