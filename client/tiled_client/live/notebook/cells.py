"""The cells of the notebook: whether one runs, and what to do at its end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class Cells:
    """Knows whether the kernel runs a cell, from the one that makes this object on.

    Hosts of widgets other than a kernel of IPython, such as marimo, have no cells to know of.
    """

    def __init__(self) -> None:
        from IPython import get_ipython

        self._shell: Any = get_ipython()
        self._loop = _running_loop()
        self.is_running = self._shell is not None
        self._pending: deque[Callable[[], None]] = deque()
        if self._shell is not None:
            self._shell.events.register("pre_run_cell", self._begin)
            self._shell.events.register("post_run_cell", self._end)

    @property
    def number(self) -> int:
        """The number of the cell that runs; 0 where there are no cells."""
        return 0 if self._shell is None else int(self._shell.execution_count)

    def call_soon(self, action: Callable[[], None]) -> None:
        """Call a function on the main thread: at the end of the cell that runs, or now."""
        self._pending.append(action)
        # Programs that execute notebooks ignore outputs that are not part of a cell.
        if not self.is_running and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._call_pending)

    def show(self, bundle: dict[str, Any]) -> Any:
        """Show an output in the cell that runs; return its handle, or None without cells."""
        from IPython.display import display

        return self._shell and display(bundle, raw=True, display_id=True)

    def close(self) -> None:
        """Forget the notebook."""
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._begin)
            self._shell.events.unregister("post_run_cell", self._end)

    def _begin(self, *_: object) -> None:
        self.is_running = True

    def _end(self, *_: object) -> None:
        # First this, then the calls: one that is added meanwhile is called in any case.
        self.is_running = False
        self._call_pending()

    def _call_pending(self) -> None:
        while self._pending:
            self._pending.popleft()()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
