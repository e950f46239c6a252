"""Problems of stored data, and what a repair does about each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

NOTHING = "nothing: restore the files from a backup, or write the data again"


class ProblemKind(Enum):
    """A kind of problem; the value is its name in reports."""

    NO_SOURCE = "no-data-source"
    NO_DATA = "no-data"
    LOST_CHUNK = "lost-chunk"
    UNREADABLE = "unreadable"
    EXTERNAL = "external-file"
    WRONG_ROWS = "wrong-row-count"
    NO_NODE = "no-node"
    NO_ROW = "no-row"


REPAIRS = {
    ProblemKind.NO_SOURCE: "nothing: delete the node, or restore the database from a backup",
    ProblemKind.NO_DATA: NOTHING,
    ProblemKind.LOST_CHUNK: NOTHING,
    ProblemKind.UNREADABLE: NOTHING,
    ProblemKind.EXTERNAL: "nothing: external files are never changed",
    ProblemKind.WRONG_ROWS: "counts the rows again, under the lock of the node",
    ProblemKind.NO_NODE: "moves the folder to .orphans in the storage directory",
    ProblemKind.NO_ROW: "removes the files, under the lock of the node",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` is that of the node, and `file` the file or folder, if known."""

    kind: ProblemKind
    detail: str
    path: str = ""
    node: str = ""
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the problem for programs."""
        return {**asdict(self), "kind": self.kind.value, "repair": REPAIRS[self.kind]}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A problem that was found while the node may be written.

    `again` looks once more, under the lock of the node; it returns None if there is no problem.
    """

    problem: Problem
    again: Callable[[], Problem | None]
