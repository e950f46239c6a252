"""A subscriber that resumes wherever its connection ends, and writes down all that it is sent."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgpack
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from .journal import DELIVERIES, Journal
from .nodes import of_message
from .problems import Problem, Trouble

FEATURES = "gap,reset,heartbeat,child-deleted"
PAUSE = 0.2
TIMEOUT = 5.0
INTERNAL_ERROR = 1011


class Kind(Enum):
    """How a subscriber connects."""

    SINGLE = "single"  # one node
    MULTI = "multi"  # several nodes on one connection
    RECURSIVE = "recursive"  # all of the container; each connection begins at the beginning


class Update(NamedTuple):
    """An operation as it was streamed."""

    number: int
    place: str
    epoch: str


class Position(NamedTuple):
    """Where a subscriber is in a stream."""

    epoch: str | None = None
    last: int = 0


@dataclass
class Subscriber:
    """Subscriptions to nodes below `root` from the first update on.

    `updates` of each node are in the order in which they came. `told` counts notices that some were
    missed. `problems` are those that one subscriber can see: numbers of the stream that repeat or
    are missing without a `gap` or `reset`, and mistakes of the server.
    """

    uris: Sequence[str]
    api_key: str
    root: str
    names: Sequence[str]
    kind: Kind = Kind.SINGLE
    hang_up_after: float | None = None
    journal: Journal = field(default_factory=Journal)
    label: str = ""
    updates: dict[str, list[Update]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    _tries: int = 0
    _at: dict[str, Position] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Subscribe in a separate thread."""
        self.note("begin", "")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Disconnect permanently, soon."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has disconnected."""
        if self._thread is not None:
            self._thread.join()

    def note(self, event: str, name: str, *values: Any) -> None:
        """Take over an event: an update, a notice that some are missing, or a new beginning."""
        match event:
            case "update":
                self.updates[name].append(Update(*values))
            case "told":
                self.told[name] += 1
            case "begin":
                self._begin()
            case "problem":
                self.problems.append(Problem(Trouble(values[0]), f"{self}: {values[1]}"))
        line = {"subscriber": self.label, "event": event, "name": name, "values": values}
        self.journal.write(DELIVERIES, line)

    def _found(self, trouble: Trouble, text: str) -> None:
        self.note("problem", "", trouble.value, text)

    def _begin(self) -> None:
        self.updates = {name: [] for name in self.names}
        self.told = Counter()
        self._at = {}

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connected() as connection:
                    self.connections += 1
                    if self.kind is Kind.RECURSIVE:
                        self.note("begin", "")
                    self._subscribe(connection)
                    self._listen(connection)
            except InvalidStatus as refused:
                if refused.response.status_code == 500:
                    self._found(Trouble.OTHER, "a handshake was answered 500")
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == INTERNAL_ERROR:
                    self._found(Trouble.OTHER, "closed with 1011")
            except (OSError, WebSocketException, TimeoutError):
                pass
            self._tries += 1
            self._stop.wait(PAUSE)

    def __str__(self) -> str:
        return f"{self.kind.value} subscriber of {', '.join(self.names)}"

    def _connected(self) -> ClientConnection:
        uri = self.uris[self._tries % len(self.uris)].replace("http", "ws", 1)
        terms: dict[str, Any] = {"envelope_format": "msgpack", "features": FEATURES}
        address = "multi"
        if self.kind is Kind.SINGLE:
            address = f"single/{self.root}/{self.names[0]}"
            terms |= self._terms(self.names[0])
        return connect(
            f"{uri}/api/v1/stream/{address}?{urlencode(terms)}",
            additional_headers={"Authorization": f"Apikey {self.api_key}"},
            compression=None,
            max_size=None,
            open_timeout=TIMEOUT,
            close_timeout=1,
        )

    def _terms(self, name: str) -> dict[str, Any]:
        epoch, last = self._at.get(name, Position())
        return {"start": last + 1, "epoch": epoch} if epoch else {"start": 0}

    def _subscribe(self, connection: ClientConnection) -> None:
        wanted: list[dict[str, Any]] = []
        if self.kind is Kind.MULTI:
            wanted = [{"path": f"{self.root}/{n}", **self._terms(n)} for n in self.names]
        elif self.kind is Kind.RECURSIVE:
            wanted = [{"path": self.root, "recursive": True, "start": 0}]
        for index, one in enumerate(wanted):
            connection.send(json.dumps({"type": "subscribe", "id": str(index), **one}))

    def _listen(self, connection: ClientConnection) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            if self.hang_up_after and time.monotonic() - began > self.hang_up_after:
                return
            with suppress(TimeoutError):
                message = msgpack.unpackb(connection.recv(timeout=PAUSE))
                if self.kind is Kind.SINGLE:
                    self._take(self.names[0], message)
                else:
                    _, path, message = message
                    self._take(path.removeprefix(f"{self.root}/"), message)

    def _take(self, path: str, message: dict[str, Any]) -> None:
        if message["type"] == "error":
            raise ConnectionError(message["detail"])  # connect again, and resume
        parent, _, key = path.rpartition("/")
        name = "inside" if parent else key
        if name not in self.names:
            return  # the container itself
        if self.kind is Kind.RECURSIVE and self._begun_anew(path, message):
            self.note("told", name)
        match message["type"]:
            case "reset":
                self.note("told", name)
                self._at[path] = Position(message["epoch"])
            case "gap":
                self.note("told", name)
                self._at[path] = Position(message["epoch"], message["to"])
            case "heartbeat":
                epoch, last = self._at.get(path, Position())
                if message["epoch"] == epoch and message["sequence"] > last:
                    self._found(Trouble.LOST, f"{path} did not come after {last}")
            case _ if "sequence" in message and not message["type"].endswith("-schema"):
                self._follow(path, message["epoch"], message["sequence"])
                for number, place in of_message(message):
                    place = key if parent else place
                    self.note("update", name, number, place, message["epoch"])

    def _begun_anew(self, path: str, message: dict[str, Any]) -> bool:
        """Return whether this is the schema of a stream that was another one before.

        No `reset` says so to who begins at the beginning and names no epoch.
        """
        if "epoch" not in message:
            return False
        epoch = message["epoch"]
        if path not in self._first and epoch is not None:
            self._first[path] = epoch
        schema = message["type"].endswith("-schema")
        return bool(schema and epoch != self._first.get(path))

    def _follow(self, path: str, epoch: str, sequence: int) -> None:
        known, last = self._at.get(path, Position())
        if epoch != (known or epoch):
            self._found(Trouble.LOST, f"the epoch of {path} changed without a reset")
            last = sequence - 1
        if sequence <= last:
            self._found(Trouble.DUPLICATED, f"number {sequence} of {path} came again")
        elif sequence > last + 1:
            self._found(Trouble.LOST, f"numbers of {path} before {sequence} are missing")
        self._at[path] = Position(epoch, max(sequence, last))
