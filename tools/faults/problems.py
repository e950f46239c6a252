"""Kinds of broken promises."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Trouble(Enum):
    """The columns of the table of results."""

    LOST = "lost"  # acknowledged, but not stored, or not streamed and not announced as missing
    DUPLICATED = "duplicated"  # stored or streamed more than once
    REORDERED = "out of order"
    PHANTOM = "phantom"  # stored or streamed, though refused or never sent
    OTHER = "other"  # an answer that nothing excuses, or no write after the faults


class Problem(NamedTuple):
    """A broken promise and the sentence that describes it."""

    trouble: Trouble
    text: str

    def __str__(self) -> str:
        return f"{self.trouble.value}: {self.text}"

    def about(self, name: str, note: str = "") -> Problem:
        """Return the same problem with the node that it concerns, and a note."""
        return Problem(self.trouble, f"{name}: {self.text}{note}")
