"""A proxy before a bucket that stops at puts of large objects, is slow, or loses answers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

LARGE = 1 << 20


class BucketProxy:
    """Forwards requests to `endpoint`. While it stops puts, `stopped` says that one has come.

    `stop` is "before" (the bucket does not get the object) or "after" (only its answer is held).
    `received` are the heads of requests. `lose` ends the connections of the next large puts when
    the bucket has answered, in place of passing the answer on; `delay` is in seconds, before each
    answer.
    """

    def __init__(self, endpoint: str) -> None:
        self._target = ("127.0.0.1", urlsplit(endpoint).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.stop = ""
        self.lose = 0
        self.delay = 0.0
        self.received: list[bytes] = []
        self.stopped, self.go_on = threading.Event(), threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, stop: str) -> None:
        """Stop the next large put."""
        self.stopped.clear()
        self.go_on.clear()
        self.stop = stop

    def disarm(self) -> None:
        """Let puts pass, the one that was stopped too."""
        self.stop = ""
        self.go_on.set()

    def close(self) -> None:
        """Accept no more connections."""
        self.disarm()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as bucket:
            back = threading.Thread(target=self._answers, args=(bucket, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(1 << 16):
                    if data[:4] in (b"GET ", b"PUT "):
                        self.received.append(data.partition(b"\r\n\r\n")[0])
                    if self.stop == "before" and _is_large_put(data):
                        self._hold()
                    bucket.sendall(data)
                    if _is_large_put(data):
                        self._putting = client
                bucket.shutdown(socket.SHUT_WR)
            back.join()

    def _answers(self, bucket: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := bucket.recv(1 << 16):
                if self.stop == "after" and self._putting is client:
                    self._hold()
                if self.lose and self._putting is client:
                    self.lose -= 1
                    client.shutdown(socket.SHUT_RDWR)
                    return
                time.sleep(self.delay)
                client.sendall(data)

    def _hold(self) -> None:
        self.stopped.set()
        self.go_on.wait(60)

    _putting: socket.socket | None = None


def _is_large_put(data: bytes) -> bool:
    if not data.startswith(b"PUT "):
        return False
    _, _, length = data.lower().partition(b"content-length: ")
    return int(length.split(b"\r\n")[0] or 0) >= LARGE
