"""A subscriber that resumes wherever its connection ends, and writes down all that it is sent."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgpack
import numpy as np
import pyarrow as pa
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

FEATURES = "gap,reset"
PAUSE = 0.2
TIMEOUT = 5.0


@dataclass
class Subscriber:
    """One subscription to `path` from the first update on.

    `updates` are the numbers in the order in which they came. `problems` are those that one
    subscriber can see: numbers of the stream that repeat or are missing without a `gap` or `reset`.
    """

    uri: str
    api_key: str
    path: str
    hang_up_after: float | None = None
    updates: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    told: int = 0
    connections: int = 0
    _epoch: str | None = None
    _last: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Subscribe in a thread of its own."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Hang up for good."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with (
                suppress(OSError, WebSocketException, TimeoutError),
                connect(
                    self._address(),
                    additional_headers={"Authorization": f"Apikey {self.api_key}"},
                    compression=None,
                    max_size=None,
                    open_timeout=TIMEOUT,
                    close_timeout=1,
                ) as connection,
            ):
                self.connections += 1
                self._listen(connection)
            self._stop.wait(PAUSE)

    def _address(self) -> str:
        terms: dict[str, Any] = {"envelope_format": "msgpack", "features": FEATURES}
        terms["start"] = self._last + 1 if self._epoch else 0
        if self._epoch:
            terms["epoch"] = self._epoch
        address = self.uri.replace("http", "ws", 1)
        return f"{address}/api/v1/stream/single/{self.path}?{urlencode(terms)}"

    def _listen(self, connection: ClientConnection) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            if self.hang_up_after and time.monotonic() - began > self.hang_up_after:
                return
            with suppress(TimeoutError):
                self._take(msgpack.unpackb(connection.recv(timeout=PAUSE)))

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "reset":
            self.told += 1
            self._epoch, self._last = message["epoch"], 0
        elif kind == "gap":
            self.told += message["to"] - message["from"] + 1
            self._epoch, self._last = message["epoch"], message["to"]
        elif kind in {"array-data", "table-data"}:
            self._follow(message["epoch"], message["sequence"])
            self.updates += numbers(message)

    def _follow(self, epoch: str, sequence: int) -> None:
        if self._epoch is None:
            self._epoch = epoch
        if epoch != self._epoch:
            self.problems.append(f"{self.path}: the epoch changed without a reset")
            self._epoch, self._last = epoch, sequence - 1
        if sequence <= self._last:
            self.problems.append(f"{self.path}: number {sequence} came again")
        elif sequence > self._last + 1:
            self.problems.append(f"{self.path}: numbers before {sequence} are missing")
        self._last = max(self._last, sequence)


def numbers(message: dict[str, Any]) -> list[int]:
    """Return the operations that an update carries."""
    if message["type"] == "table-data":
        table = pa.ipc.open_file(message["payload"]).read_all()
        return [int(number) for number in table["operation"].to_pylist()]
    values = np.unique(np.frombuffer(message["payload"], "i8"))
    return [int(value) for value in values]
