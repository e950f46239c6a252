"""The operations on each case of the matrix, and their outcomes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgpack
import numpy as np
import orjson
from django.test import Client

from catalog import events
from catalog.models import Node
from streaming.protocol import message_codec
from streaming.sockets.messages.json_envelope import to_json
from tiled_client.wire import messages

EQUAL, REFUSED, DIFFERENT, BROKEN = "equal", "refused", "different", "broken"
Answer = Any
Array = np.ndarray[Any, Any]


@dataclass
class Outcome:
    """Outcome of an operation: `equal`, `refused` (with a reason), `different` or `broken`."""

    case: str
    operation: str
    what: str
    detail: str = ""


@dataclass
class Matrix:
    """The operations on the cases of a group, which has a container of its own."""

    name: str
    case: str = ""
    client: Client = field(default_factory=lambda: Client(SERVER_NAME="localhost"))
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def box(self) -> str:
        """The key of the container."""
        return self.name.replace("/", "|")

    def send(self, method: str, address: str, body: Any = b"", kind: str = "") -> Answer:
        """Send a request with the site's key."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(
            method,
            address,
            data,
            content_type=kind or "application/json",
            headers={"authorization": "Apikey secret"},
        )

    def try_(self, operation: str, call: Callable[[], Answer], equal: Any = None) -> bool:
        """Make a request, check its response with `equal`, and return whether it succeeded.

        `equal` returns what is wrong with the response; an empty text if it is right.
        """
        try:
            answer = call()
            outcome = _judged(answer, equal)
        except Exception:  # noqa: BLE001 - it is the outcome
            outcome = BROKEN, traceback.format_exc()[-2500:]
        self.outcomes.append(Outcome(self.case, operation, *outcome))
        return outcome[0] in (EQUAL, DIFFERENT)

    def get(self, operation: str, address: str, equal: Any = None) -> bool:
        """Make a GET request; otherwise like `try_`."""
        return self.try_(operation, lambda: self.send("GET", address), equal)

    def say(self, operation: str, wrong: str) -> None:
        """Record an outcome without a request."""
        what = DIFFERENT if wrong else EQUAL
        self.outcomes.append(Outcome(self.case, operation, what, wrong[:600]))

    def create(self, key: str, family: str, structure: Any) -> bool:
        """Create a node in the container."""
        source = {"structure_family": family, "structure": structure}
        body = {"id": key, "structure_family": family, "data_sources": [source]}
        return self.try_("create", lambda: self.send("POST", f"/api/v1/metadata/{self.box}", body))

    def container(self) -> None:
        """Create the container, and an ordinary node in it."""
        body = {"id": self.box, "structure_family": "container"}
        self.send("POST", "/api/v1/metadata/", body)
        sibling = {"id": "sibling", "structure_family": "container", "metadata": {"color": "red"}}
        self.send("POST", f"/api/v1/metadata/{self.box}", sibling)

    def container_is_whole(self) -> None:
        """Read the container in every way: none may fail because of its children."""
        keys = {node.key for node in Node.objects.filter(parent__path=self.box)}

        def listed(answer: Answer) -> str:
            found = {item["id"] for item in orjson.loads(answer.content)["data"]}
            return "" if found == keys else f"{found} for {keys}"

        self.get("listing", f"/api/v1/search/{self.box}", listed)
        query = "?filter[eq][condition][key]=color&filter[eq][condition][value]=%22red%22"
        self.get("search", f"/api/v1/search/{self.box}{query}")
        self.get("outline", f"/api/v1/container/full/{self.box}?format=json", _has_sibling)
        self.get("hdf5 of container", f"/api/v1/container/full/{self.box}?format=hdf5", _in_hdf5)
        for version in (2, 3):
            self.get(f"zarr {version} group", f"/zarr/v{version}/{self.box}")
        self.case = "all"
        self.client.login(username="admin", password="secret")
        for node in Node.objects.filter(path__startswith=self.box):
            self.get(f"admin of {node.key}", f"/admin/catalog/node/{node.pk}/change/")
        self.get("admin list", "/admin/catalog/node/")


@contextmanager
def heard() -> Iterator[list[Any]]:
    """Record the announced writes within the context."""
    found: list[Any] = []

    def hear(event: Any, **_: Any) -> None:
        found.append(event)

    written = (
        events.array_written,
        events.ragged_written,
        events.awkward_written,
        events.table_written,
    )
    for signal in written:
        signal.connect(hear)
    yield found
    for signal in written:
        signal.disconnect(hear)


def streamed(message: messages.Message, payload: bytes, structure: Any) -> tuple[Any, Any]:
    """Return an update as subscribers receive it, in msgpack and in JSON."""
    before, after = message_codec.encode_split(message, message_codec.utc_timestamp(), len(payload))
    number = msgpack.packb(1) + msgpack.packb("epoch") + msgpack.packb("e")
    frame = before + number + after + bytes(payload)
    return msgpack.unpackb(frame), orjson.loads(to_json(frame, structure))


def body_of(answer: Answer) -> bytes:
    """Return the whole body of a response."""
    return b"".join(answer) if answer.streaming else bytes(answer.content)


def _judged(answer: Answer, equal: Any) -> tuple[str, str]:
    if answer.status_code >= 400:
        try:
            detail = orjson.loads(answer.content)["detail"]
        except (ValueError, KeyError):
            return BROKEN, f"{answer.status_code} without a sentence"
        if answer.status_code >= 500:
            trace = getattr(answer, "exc_info", None)
            said = "".join(traceback.format_exception(*trace)) if trace else detail
            return BROKEN, f"{answer.status_code}: {said[-2500:]}"
        return REFUSED, f"{answer.status_code}: {detail}"
    if answer.streaming:
        answer.whole = body_of(answer)
    wrong = equal(answer) if equal else ""
    return (DIFFERENT, str(wrong)[:600]) if wrong else (EQUAL, "")


def _has_sibling(answer: Answer) -> str:
    contents = orjson.loads(content(answer))["contents"]
    return "" if "sibling" in contents else f"only {list(contents)}"


def _in_hdf5(answer: Answer) -> str:
    import io

    import h5py

    with h5py.File(io.BytesIO(content(answer))) as file:
        return "" if file["sibling"].attrs["color"] == "red" else "the sibling is not there"


def content(answer: Answer) -> bytes:
    """Return the body of a response that was checked."""
    return answer.whole if answer.streaming else bytes(answer.content)
