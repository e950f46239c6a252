"""What goes wrong with a confined process, or in it.

ConfinedError
├── Failed       the operation raised an error; the process goes on
├── Ended        the process ended instead of answering: a crash, or a limit of memory
├── TooSlow      it did not answer in time, and was ended
├── Busy         all processes are at work, and stay so
└── NotStarted   there is no such process, and none can be started
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass


class ConfinedError(Exception):
    """An operation in a confined process has no result."""


@dataclass
class OperationFailed(ConfinedError):
    """The operation raised an error: the names of its class and of those above, and its text."""

    kinds: Sequence[str]
    text: str
    retry_after: int | None = None
    out_of_memory: bool = False

    def __str__(self) -> str:
        return self.text


class ProcessEnded(ConfinedError):
    """The process ended; `how` says with what signal or status."""

    def __init__(self, status: int | None) -> None:
        self.how = _how(status)
        super().__init__(f"The process ended: {self.how}.")


class CallTimedOut(ConfinedError):
    """There was no answer in time."""


class PoolBusy(ConfinedError):
    """All processes are at work."""


class ProcessNotStarted(ConfinedError):
    """No process can be started."""


def _how(status: int | None) -> str:
    if status is None:
        return "unknown"
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
