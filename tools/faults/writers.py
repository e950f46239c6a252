"""Writers: each does operations of one kind, one after another, and notes what came of them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from .journal import WRITES, Journal
from .nodes import (
    ARROW,
    BLOCKS,
    JSON,
    OCTETS,
    WIDTH,
    array_bytes,
    child_key,
    deletion_of,
    line_structure,
    list_bytes,
    table_bytes,
)
from .sites import PATIENCE, PAUSE, Site, outcome

# How many operations of each writer there are in a second, at the most.
RATE = 8.0
# Each writer has its own range of this many numbers.
NUMBERS = 1_000_000
CHILDREN = 8


@dataclass(frozen=True, slots=True)
class Operation:
    """A write to a place in a node; acknowledged, refused, or of unknown outcome (None).

    `last` is one after all faults, which has to reach every subscriber. `at` is when the outcome
    was known, in seconds of any clock.
    """

    name: str
    number: int
    acknowledged: bool | None
    place: str = ""
    last: bool = False
    at: float = 0.0

    @property
    def writer(self) -> int:
        """Return which writer it comes from: its operations follow each other."""
        return abs(self.number) // NUMBERS


@dataclass
class Writer:
    """What one thread writes with."""

    site: Site
    root: str
    operations: list[Operation]
    numbers: Iterator[int]
    stopped: threading.Event
    journal: Journal

    def turns(self) -> Iterator[bool]:
        """Yield False for each operation, and True for the last."""
        while not self.stopped.wait(random.expovariate(RATE)):
            yield False
        yield True

    def note(self, name: str, number: int, done: bool | None, place: str, last: bool) -> None:
        """Write down what came of an operation."""
        operation = Operation(name, number, done, place, last, time.monotonic())
        self.operations.append(operation)
        self.journal.write(WRITES, asdict(operation))

    def replace(
        self,
        name: str,
        address: str,
        media_type: str,
        body: Callable[[int], bytes],
        place: str = "",
        *,
        last: bool,
    ) -> None:
        """Overwrite once, and the last time until an operation is acknowledged.

        An overwrite that failed may have changed the stored data.
        """
        deadline = time.monotonic() + PATIENCE
        done: bool | None = None
        while done is None:
            number = next(self.numbers)
            answer = self.site.send("PUT", address, body(number), Content_Type=media_type)
            done = outcome(answer)
            self.note(name, number, done, place, last)
            if not last or time.monotonic() > deadline:
                return
            time.sleep(PAUSE)

    def repeat(
        self, method: str, address: str, media_type: str, body: bytes, number: int
    ) -> bool | None:
        """Send a write under its own key until its outcome is known."""
        deadline = time.monotonic() + PATIENCE
        key = f"operation-{number}"
        while time.monotonic() < deadline:
            answer = self.site.send(method, address, body, key=key, Content_Type=media_type)
            if (done := outcome(answer)) is not None:
                return done
            time.sleep(PAUSE)
        return None

    def append(
        self, name: str, address: str, media_type: str, body: Callable[[int], bytes], *, last: bool
    ) -> bool:
        """Append once, however often that takes. Return whether it was acknowledged."""
        number = next(self.numbers)
        done = self.repeat("PATCH", address, media_type, body(number), number)
        self.note(name, number, done, "", last)
        return bool(done)


def overwrite(writer: Writer) -> None:
    """Overwrite an array."""
    address = f"array/full/{writer.root}/counts"
    for last in writer.turns():
        writer.replace("counts", address, OCTETS, array_bytes, last=last)


def overwrite_blocks(writer: Writer) -> None:
    """Overwrite one block of an array, in the end each."""
    for last in writer.turns():
        for block in range(BLOCKS) if last else [random.randrange(BLOCKS)]:  # noqa: S311
            address = f"array/block/{writer.root}/blocks?block={block}"
            writer.replace("blocks", address, OCTETS, array_bytes, str(block), last=last)


def append_rows(writer: Writer) -> None:
    """Let an array grow, until it is not known any more where the next row belongs."""
    offset = 1
    for last in writer.turns():
        where = f"offset={offset},0&shape=1,{WIDTH}&extend=true"
        address = f"array/full/{writer.root}/rows?{where}"
        if not writer.append("rows", address, OCTETS, array_bytes, last=last):
            return
        offset += 1


def append_lists(writer: Writer) -> None:
    """Let a ragged array grow, as `append_rows` does."""
    offset = 1
    for last in writer.turns():
        address = f"ragged/full/{writer.root}/lists?offset={offset}&shape=1&extend=true"
        if not writer.append("lists", address, JSON, list_bytes, last=last):
            return
        offset += 1


def append_to_table(writer: Writer) -> None:
    """Append rows to a table."""
    address = f"table/partition/{writer.root}/table?partition=0"
    for last in writer.turns():
        writer.append("table", address, ARROW, table_bytes, last=last)


def pass_on(writer: Writer) -> None:
    """Send updates that are not stored."""
    address = f"array/full/{writer.root}/live?persist=false"
    for last in writer.turns():
        number = next(writer.numbers)
        done = writer.repeat("PUT", address, OCTETS, array_bytes(number), number)
        writer.note("live", number, done, "", last)


def change_children(writer: Writer) -> None:
    """Create, fill and delete children of a container, and change their metadata."""
    keys: list[str] = []
    for last in writer.turns():
        if last or len(keys) < 2:
            create = 1.0
        else:
            create = 0.4 if len(keys) < CHILDREN else 0.0
        chance = random.random()  # noqa: S311
        if chance < create:
            keys += _create_child(writer, last)
        elif chance < 0.7:
            _describe_child(writer, random.choice(keys))  # noqa: S311
        else:
            _delete_child(writer, keys.pop(random.randrange(len(keys))))  # noqa: S311


def _create_child(writer: Writer, last: bool) -> list[str]:
    number = next(writer.numbers)
    key, address = child_key(number), f"metadata/{writer.root}/children"
    body = draft(key, "array", line_structure().to_json(), {"operation": number})
    done = writer.repeat("POST", address, JSON, body, number)
    writer.note("children", number, done, key, last)
    if not done:
        return []
    inside = f"array/full/{writer.root}/children/{key}"
    writer.replace("inside", inside, OCTETS, array_bytes, key, last=last)
    return [key]


def _describe_child(writer: Writer, key: str) -> None:
    def body(number: int) -> bytes:
        return json.dumps({"metadata": {"operation": number}}).encode()

    address = f"metadata/{writer.root}/children/{key}"
    writer.replace("children", address, JSON, body, key, last=False)


def _delete_child(writer: Writer, key: str) -> None:
    address = f"metadata/{writer.root}/children/{key}?external_only=false"
    deadline = time.monotonic() + PATIENCE
    done = outcome(writer.site.send("DELETE", address))
    while done is None and time.monotonic() < deadline:
        time.sleep(PAUSE)
        # A request whose outcome is unknown may have deleted it.
        answer = writer.site.send("DELETE", address, also=[404])
        done = outcome(answer) if answer is None or answer.status_code != 404 else True
    writer.note("children", deletion_of(key), done, key, False)


def draft(key: str, family: str, structure: object, metadata: object) -> bytes:
    """Return the body of a request that creates a node."""
    node = {"id": key, "structure_family": family, "metadata": metadata, "specs": []}
    if structure is not None:
        source = {"structure_family": family, "structure": structure, "management": "writable"}
        node["data_sources"] = [source]
    return json.dumps(node).encode()


WRITERS = (
    overwrite,
    overwrite,
    overwrite_blocks,
    overwrite_blocks,
    append_rows,
    append_lists,
    append_to_table,
    append_to_table,
    pass_on,
    change_children,
    change_children,
)
