"""The state of a live plot, as its title shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LiveState = Literal["connecting", "live", "reconnecting", "ended"]


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """What a live plot shows, and how current it is.

    `sequence` is the number of the newest update that was received, `shown` the number of times
    that new data were drawn, `skipped` the number of updates that newer ones replaced before they
    were drawn. `error` is why the stream ended, or why data cannot be read.
    """

    state: LiveState
    sequence: int | None = None
    shown: int = 0
    skipped: int = 0
    error: str | None = None

    def __str__(self) -> str:
        parts = [
            f"{self.state} ..." if self.state in ("connecting", "reconnecting") else self.state
        ]
        if self.sequence is not None:
            parts.append(f"#{self.sequence}")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        if self.error:
            parts.append(self.error)
        return ", ".join(parts)
