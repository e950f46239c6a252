"""The load: nodes, writers to them, and the data stored in the end."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .journal import Journal
from .nodes import (
    ARROW,
    JSON,
    OCTETS,
    WIDTH,
    Held,
    array_number,
    list_numbers,
    names_of,
    structures,
    table_numbers,
)
from .producers import produce
from .sites import Site
from .writers import NUMBERS, WRITERS, Operation, Writer, draft


@dataclass
class Load:
    """Writers to a site until `stop`, each in its own thread.

    `producers` of them write over the ingest endpoint.
    """

    site: Site
    root: str = field(default_factory=lambda: f"faults-{secrets.token_hex(4)}")
    journal: Journal = field(default_factory=Journal)
    producers: int = 0
    operations: list[Operation] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the keys of the nodes."""
        return names_of(producers=self.producers > 0)

    def prepare(self) -> None:
        """Create the nodes. Raises HTTPError."""
        self._create("", self.root, "container", None)
        known = structures()
        for name in self.names:
            family, structure = known[name]
            self._create(self.root, name, family, structure and structure.to_json())

    def start(self) -> None:
        """Begin to write."""
        for index, work in enumerate([*WRITERS, *[produce] * self.producers]):
            numbers = iter(range((index + 1) * NUMBERS, (index + 2) * NUMBERS))
            writer = Writer(
                self.site, self.root, self.operations, numbers, self._stop, self.journal
            )
            thread = threading.Thread(target=self._run, args=(index, work, writer))
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Let each writer write once more, and wait until it knows what came of it."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def stored(self) -> dict[str, Held]:
        """Return what the nodes hold now. Raises HTTPError, TimeoutError."""
        read, root = self.site.read, self.root
        blocks = _rows(read(f"array/full/{root}/blocks", OCTETS))
        lists = list_numbers(read(f"ragged/full/{root}/lists", JSON))[1:]
        listing = json.loads(read(f"search/{root}/children?page[limit]=300&fields=metadata"))
        children = {
            child["id"]: child["attributes"]["metadata"]["operation"] for child in listing["data"]
        }
        return {
            "counts": [("", array_number(read(f"array/full/{root}/counts", OCTETS)))],
            "blocks": [(str(index), number) for index, number in enumerate(blocks)],
            "rows": self._grown("rows"),
            "table": self._table("table"),
            "lists": [("", number) for number in lists],
            "live": [("", array_number(read(f"array/full/{root}/live", OCTETS)))],
            "children": list(children.items()),
            "inside": [
                (key, array_number(read(f"array/full/{root}/children/{key}", OCTETS)))
                for key in children
            ],
            **({} if not self.producers else self._of_producers()),
        }

    def _of_producers(self) -> dict[str, Held]:
        return {"frames": self._grown("frames"), "readings": self._table("readings")}

    def _grown(self, name: str) -> Held:
        """Return the rows of an array that have been added."""
        data = self.site.read(f"array/full/{self.root}/{name}", OCTETS)
        return [("", number) for number in _rows(data)[1:]]

    def _table(self, name: str) -> Held:
        data = self.site.read(f"table/full/{self.root}/{name}", ARROW)
        return [("", number) for number in table_numbers(data)]

    def _run(self, index: int, work: Callable[[Writer], None], writer: Writer) -> None:
        self.site.prefer(index)
        work(writer)

    def _create(self, parent: str, key: str, family: str, structure: object) -> None:
        body = draft(key, family, structure, {})
        answer = self.site.send("POST", f"metadata/{parent}", body, Content_Type=JSON)
        assert answer is not None
        answer.raise_for_status()


def _rows(data: bytes) -> list[int]:
    size = 8 * WIDTH
    return [array_number(data[start : start + size]) for start in range(0, len(data), size)]
