"""Replay a recorded exchange against a server, and report where its responses differ.

A recording is a list of steps: requests with their responses, and what was sent and received on
named WebSockets. Values that differ between servers are mapped: the server's address, the ids and
keys that it generates, the locations of files, the time.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import requests
import tifffile
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
RECORDED_BASE = "http://localhost:8000"
RECORDED_FILES = "/data/external"
PATIENCE = 10
# Fields that this server adds to updates and to schemas; any other new field is a difference.
ADDED = {"epoch", "persisted", "rows"}
ADDED_TO_SCHEMAS = {"epoch", "sequence", "end"}

# In changes: the key is absent.
ABSENT = object()

Step = Mapping[str, Any]
Changes = Mapping[str, Any]


class Like(str):
    """An expected text that the actual one has to contain."""

    __slots__ = ()


class Replay:
    """One run through a recording, which collects `differences`.

    `instead` maps the number of a step to the steps to perform in its place: whole steps, or
    changes to the recorded one. A recorded second of waiting takes `second` seconds. `words` maps
    keys and tokens of the recording to those of this server. A step "do" calls its `what`.
    """

    def __init__(
        self,
        base: str,
        files: Path,
        instead: Mapping[int, Sequence[Changes]] | None = None,
        second: float = 1.0,
        words: Mapping[str, str] | None = None,
    ) -> None:
        self.differences: list[str] = []
        self._base = base
        self._files = files
        self._instead = instead or {}
        self._second = second
        self._texts = {RECORDED_BASE: base, "{base}": base, RECORDED_FILES: str(files)}
        self._texts |= words or {}
        self._sources: dict[int, int] = {}
        self._assets: dict[int, int] = {}
        self._places: dict[str, str] = {}
        self._sockets: dict[str, ClientConnection] = {}
        self._open_sockets = ExitStack()
        self._where = ""

    def run(self, name: str) -> list[str]:
        """Replay the recording `name`, and return where the answers differ."""
        write_frames(self._files)
        perform: dict[str, Callable[[Step], None]] = {
            "http": self._http,
            "ws_open": self._open,
            "ws_send": self._send,
            "ws_frame": self._frame,
            "ws_close": self._closed,
            "ws_client_close": self._close,
            "do": lambda step: step["what"](),
            "wait": lambda step: time.sleep(step["seconds"] * self._second),
        }
        try:
            for number, step in enumerate(steps(name)):
                self._where = f"{name}[{number}]"
                for changes in self._instead.get(number, [{}]):
                    expected = changes if "step" in changes else merged(step, changes)
                    perform[expected["step"]](expected)
        finally:
            self._open_sockets.close()
        return self.differences

    def _http(self, step: Step) -> None:
        asked, expected = step["request"], step["response"]
        body = base64.b64decode(asked["body_base64"]) if "body_base64" in asked else None
        if "json" in asked:
            body = json.dumps(self._ours(asked["json"])).encode()
        answer = requests.request(
            asked["method"],
            self._base + self._ours(asked["path"]),
            headers=self._ours(asked["headers"]),
            data=body,
            timeout=PATIENCE,
        )
        self._compare("status", expected["status"], answer.status_code)
        self._compare_headers(expected["headers"], answer.headers)
        if "json" in expected:
            self._learn(asked, expected["json"], answer)
            self._compare("body", self._ours(expected["json"]), _json_of(answer.content))
        elif "body_base64" in expected:
            self._compare("body", base64.b64decode(expected["body_base64"]), answer.content)

    def _open(self, step: Step) -> None:
        asked, expected = step["request"], step["result"]
        offered = [Subprotocol(name) for name in asked.get("subprotocols", [])]
        try:
            socket = self._open_sockets.enter_context(
                connect(
                    self._base.replace("http", "ws", 1) + self._ours(asked["path"]),
                    additional_headers=self._ours(asked.get("headers", {})),
                    subprotocols=offered or None,
                    max_size=None,
                    proxy=None,
                )
            )
        except InvalidStatus as refused:
            response = refused.response
            self._compare("status", expected["status"], response.status_code)
            if not expected["accepted"]:
                self._compare_headers(expected["headers"], response.headers)
                body = bytes(response.body or b"")
                if "json" in expected:
                    self._compare("body", expected["json"], _json_of(body))
                else:
                    self._compare("body", expected["body_text"], body.decode())
            return
        self._sockets[step["ws"]] = socket
        self._compare("accepted", expected["accepted"], True)
        self._compare("subprotocol", expected.get("subprotocol"), socket.subprotocol)

    def _send(self, step: Step) -> None:
        text = self._ours(step.get("text"))
        self._sockets[step["ws"]].send(base64.b64decode(step["base64"]) if text is None else text)

    def _frame(self, step: Step) -> None:
        expected = self._ours(step["decoded"])
        try:
            frame = self._sockets[step["ws"]].recv(timeout=PATIENCE)
        except (TimeoutError, ConnectionClosed) as error:
            self._report(f"{step['ws']} received {error!r} instead of {expected}")
            return
        kind = "text" if isinstance(frame, str) else "binary"
        self._compare("kind of frame", step["type"], kind)
        message = json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)
        if isinstance(expected.get("payload"), dict) and "base64" in expected["payload"]:
            expected["payload"] = base64.b64decode(expected["payload"]["base64"])
        added = ADDED_TO_SCHEMAS if message["type"].endswith("-schema") else ADDED
        self._compare("message", expected, {k: v for k, v in message.items() if k not in added})

    def _closed(self, step: Step) -> None:
        try:
            extra = self._sockets[step["ws"]].recv(timeout=PATIENCE)
        except TimeoutError:
            self._report(f"{step['ws']} was not closed")
        except ConnectionClosed as closed:
            said = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else ("no close frame",)
            self._compare("close", (step["code"], step["reason"]), said)
        else:
            self._report(f"{step['ws']} received {extra!r} instead of being closed")

    def _close(self, step: Step) -> None:
        """Disconnect, after checking that nothing was received besides the recorded messages."""
        socket = self._sockets.pop(step["ws"])
        try:
            socket.ping().wait(PATIENCE)
            extra = socket.recv(timeout=0)
        except TimeoutError:
            socket.close()
        except ConnectionClosed as closed:
            self._report(f"{step['ws']} was closed: {closed}")
        else:
            self._report(f"{step['ws']} received {extra!r} besides")

    def _learn(self, asked: Step, recorded: Any, answer: requests.Response) -> None:
        """Note the keys and ids that the server generated, for the steps that use them."""
        if asked["method"] != "POST" or answer.status_code != 200:
            return
        ours = answer.json()
        if "id" not in asked["json"]:
            self._texts[recorded["id"]] = ours["id"]
        for theirs, own in zip(recorded["data_sources"], ours["data_sources"], strict=True):
            self._sources[theirs["id"]] = own["id"]
            for one, other in zip(theirs["assets"], own["assets"], strict=False):
                self._assets[one["id"]] = other["id"]
                self._places[one["data_uri"]] = other["data_uri"]

    def _ours(self, value: Any) -> Any:
        """Return the recorded `value` as it is on this server."""
        match value:
            case str() if value in self._places:
                return self._places[value]
            case str():
                for recorded, own in self._texts.items():
                    value = type(value)(value.replace(recorded, own))
                return value
            case list():
                return [self._ours(item) for item in value]
            case dict():
                mapped = {key: self._ours(item) for key, item in value.items()}
                ids = self._sources if "management" in mapped else self._assets
                if {"management", "data_uri"} & mapped.keys() and "id" in mapped:
                    mapped["id"] = ids.get(mapped["id"], mapped["id"])
                return mapped
        return value

    def _compare_headers(self, expected: Mapping[str, str], actual: Mapping[str, str]) -> None:
        for name, value in expected.items():
            self._compare(f"header {name}", value, actual.get(name))

    def _compare(self, what: str, expected: Any, actual: Any) -> None:
        for difference in compare(expected, actual, what):
            self._report(difference)

    def _report(self, difference: str) -> None:
        self.differences.append(f"{self._where} {difference}")


def steps(name: str) -> list[dict[str, Any]]:
    """Return the steps of a recording."""
    return json.loads((RECORDINGS / f"{name}.json").read_text())["steps"]


def merged(step: Any, changes: Any) -> Any:
    """Return `step` with `changes` merged in, where both are dicts or lists of one length."""
    if isinstance(step, dict) and isinstance(changes, dict):
        changed = {key: merged(step.get(key), value) for key, value in changes.items()}
        return {key: value for key, value in {**step, **changed}.items() if value is not ABSENT}
    if isinstance(step, list) and isinstance(changes, list) and len(step) == len(changes):
        return [merged(one, change) for one, change in zip(step, changes, strict=True)]
    return changes


def compare(expected: Any, actual: Any, place: str) -> list[str]:
    """Return where two JSON values differ."""
    name = place.rpartition(".")[2]
    if isinstance(expected, dict) and isinstance(actual, dict):
        missing = [f"{place}.{key} is missing" for key in sorted(expected.keys() - actual.keys())]
        # Errors have a code besides the recorded detail.
        known = {"code"} if expected.keys() == {"detail"} else set()
        keys = sorted(actual.keys() - expected.keys() - known)
        added = [f"{place}.{key} is added" for key in keys]
        same = expected.keys() & actual.keys()
        return (
            missing + added + _flat(compare(expected[k], actual[k], f"{place}.{k}") for k in same)
        )
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return _flat(compare(one, other, f"{place}[{n}]") for n, (one, other) in pairs)
    if name == "timestamp":
        said = datetime.fromisoformat(actual)
        return [] if said.tzinfo else [f"{place} has no zone: {actual}"]
    if isinstance(expected, Like) and isinstance(actual, str) and expected in actual:
        return []
    same = type(expected) is type(actual) and expected == actual
    return [] if same else [f"{place}: expected {expected!r}, got {actual!r}"]


def write_frames(folder: Path) -> None:
    """Write the images that the recordings register; all pixels of frame n are n."""
    for number in range(4):
        path = folder / f"frame{number}.tiff"
        if not path.exists():
            tifffile.imwrite(path, np.full((2, 3), number, np.uint8))


def _flat(lists: Any) -> list[str]:
    return [item for items in lists for item in items]


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
