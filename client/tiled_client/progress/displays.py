"""Bars on the screen: of rich in a terminal, a line of HTML in a notebook."""

from __future__ import annotations

import html
import time
from typing import Any, Protocol

from ..interactive import in_notebook

MEGABYTE = 1e6


class Display(Protocol):
    """Shows a bar for each operation, by its number."""

    def update(self, number: int, title: str, done: int, total: float | None) -> None:
        """Show the state of an operation; `total` is None while it is unknown."""

    def remove(self, number: int) -> None:
        """Remove a bar."""

    def close(self) -> None:
        """Remove everything."""


def open_display() -> Display:
    """Return the display for this process."""
    return NotebookDisplay() if in_notebook() else TerminalDisplay()


class TerminalDisplay:
    """Bars of rich on standard error, which leave nothing behind."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[int, Any] = {}
        self._progress.start()

    def update(self, number: int, title: str, done: int, total: float | None) -> None:
        """Show the state of an operation."""
        if number not in self._tasks:
            self._tasks[number] = self._progress.add_task(title, total=total)
        self._progress.update(self._tasks[number], description=title, completed=done, total=total)

    def remove(self, number: int) -> None:
        """Remove a bar."""
        self._progress.remove_task(self._tasks.pop(number))

    def close(self) -> None:
        """Remove everything."""
        self._progress.stop()


class NotebookDisplay:
    """A line in the output of the cell, without widgets, which is empty in the end."""

    def __init__(self) -> None:
        from IPython.display import display

        self._handle = display(_Line(""), display_id=True)
        self._started = time.monotonic()
        self._lines: dict[int, str] = {}

    def update(self, number: int, title: str, done: int, total: float | None) -> None:
        """Show the state of an operation."""
        seconds = time.monotonic() - self._started + 1.0
        value = "" if total is None else f' value="{done}" max="{total:.0f}"'
        of = "" if total is None else f" of {total / MEGABYTE:.1f}"
        self._lines[number] = (
            f"{html.escape(title)} <progress{value}></progress> "
            f"{done / MEGABYTE:.1f}{of} MB, {done / MEGABYTE / seconds:.1f} MB/s"
        )
        self._draw()

    def remove(self, number: int) -> None:
        """Remove a bar."""
        del self._lines[number]
        self._draw()

    def close(self) -> None:
        """Leave an empty line."""
        self._draw()

    def _draw(self) -> None:
        self._handle.update(_Line("<br>".join(self._lines.values())))


class _Line:
    """HTML that a notebook shows; a reader of the file without it sees nothing."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return ""
