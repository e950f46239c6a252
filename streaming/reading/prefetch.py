"""Reading a stream's log for one subscriber, one batch ahead of what it is sent."""

from __future__ import annotations

import asyncio

from ..protocol.cursor import Position
from .entries import Batch
from .log_reader import LogReader


class Ahead:
    """Reads on while what was read is being sent, so that neither waits for the other."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._place: tuple[Position, int] | None = None
        self._task: asyncio.Task[Batch] | None = None

    def begin(self, position: Position, turns: int) -> None:
        """Start to read what comes after `position`, in a numbering begun `turns` times."""
        if self._task is None:
            self._place = (position, turns)
            self._task = asyncio.create_task(self._log.after(position))
            self._task.add_done_callback(_heed)

    async def after(self, position: Position, turns: int) -> Batch:
        """What comes after `position`. Raises as `LogReader.after` does."""
        task, self._task = self._task, None
        if task is not None:
            if self._place == (position, turns):
                return await task
            task.cancel()
        return await self._log.after(position)

    def stop(self) -> None:
        """Read nothing more."""
        if self._task is not None:
            self._task.cancel()


def _heed(task: asyncio.Task[Batch]) -> None:
    # Nobody may ever ask for it.
    if not task.cancelled():
        task.exception()
