"""Number of reloads, by which a worker notices one that happened while it was starting."""

from __future__ import annotations

import multiprocessing
from typing import Any


class Generation:
    """The number of reloads, in memory that the supervisor shares with its workers."""

    def __init__(self) -> None:
        self._value: Any = multiprocessing.get_context("spawn").RawValue("L", 0)

    def advance(self) -> None:
        """Count a reload."""
        self._value.value += 1

    @property
    def number(self) -> int:
        """The number of reloads so far."""
        return int(self._value.value)
