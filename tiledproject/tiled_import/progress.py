"""A progress line on a terminal; nothing where standard error is none."""

from __future__ import annotations

import sys
import time
from typing import TextIO

WIDTH = 30
INTERVAL = 0.2


class Progress:
    """How many of `total` items are done, and when the rest will be."""

    def __init__(self, label: str, total: int | None, output: TextIO | None = None) -> None:
        self._label, self._total = label, total
        self._output = sys.stderr if output is None else output
        self._shown = self._output.isatty()
        self._done = 0
        self._begun = time.monotonic()
        self._next = 0.0

    def advance(self, number: int) -> None:
        """Count `number` more items, and redraw the line if it is time."""
        self._done += number
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + INTERVAL
            self._draw(now)

    def finish(self) -> None:
        """Draw the last state, and end the line."""
        if self._shown:
            self._draw(time.monotonic())
            self._output.write("\n")

    def _draw(self, now: float) -> None:
        rate = self._done / max(now - self._begun, 0.001)
        text = f"{self._label}: {self._done:,}"
        if self._total:
            filled = min(WIDTH * self._done // self._total, WIDTH)
            left = max(self._total - self._done, 0) / rate if rate else 0
            bar = "#" * filled + "-" * (WIDTH - filled)
            text += f" of {self._total:,} [{bar}] {rate:,.0f}/s, {left:,.0f} s left"
        else:
            text += f" ({rate:,.0f}/s)"
        self._output.write(f"\r{text}\x1b[K")
        self._output.flush()
