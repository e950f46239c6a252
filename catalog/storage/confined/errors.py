"""Exceptions of calls to confined processes.

ConfinedError
├── OperationFailed     the operation raised an error; the process continues
├── ProcessEnded        the process ended without a reply: a crash, or the memory limit
├── CallTimedOut        the process did not reply in time, and was killed
├── PoolBusy            no process became free in time
└── ProcessNotStarted   no process could be started
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass


class ConfinedError(Exception):
    """Base class: a call to a confined process has no result."""


@dataclass
class OperationFailed(ConfinedError):
    """The operation raised an error: the names of its class and base classes, and its text."""

    kinds: Sequence[str]
    text: str
    retry_after: int | None = None
    out_of_memory: bool = False

    def __str__(self) -> str:
        return self.text


class ProcessEnded(ConfinedError):
    """The process ended; `how` is its signal or exit status."""

    def __init__(self, status: int | None) -> None:
        self.how = _how(status)
        super().__init__(f"The process ended: {self.how}.")


class CallTimedOut(ConfinedError):
    """The process did not reply in time."""


class PoolBusy(ConfinedError):
    """All processes are busy."""


class ProcessNotStarted(ConfinedError):
    """No process could be started."""


def _how(status: int | None) -> str:
    if status is None:
        return "unknown"
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
