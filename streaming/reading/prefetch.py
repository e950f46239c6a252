"""Read the log for one subscriber, one batch ahead of the one that is being sent."""

from __future__ import annotations

import asyncio

from ..protocol.cursor import Position
from .entries import LogBatch
from .log_reader import LogReader


class Prefetcher:
    """Reads the next batch while the last one is being sent, so that neither delays the other."""

    def __init__(self, log: LogReader) -> None:
        self._log = log
        self._place: tuple[Position, int] | None = None
        self._task: asyncio.Task[LogBatch] | None = None

    def start(self, position: Position, rewinds: int) -> None:
        """Start to read the entries after `position`, in a numbering begun `rewinds` times."""
        if self._task is None:
            self._place = (position, rewinds)
            self._task = asyncio.create_task(self._log.after(position))
            self._task.add_done_callback(_consume_exception)

    async def after(self, position: Position, rewinds: int) -> LogBatch:
        """Return the entries after `position`, prefetched or not. Raises as `LogReader.after`."""
        task, self._task = self._task, None
        if task is not None:
            if self._place == (position, rewinds):
                return await task
            # The subscriber has moved elsewhere since, or numbers were assigned again.
            task.cancel()
        return await self._log.after(position)

    def stop(self) -> None:
        """Cancel the read in progress."""
        if self._task is not None:
            self._task.cancel()


def _consume_exception(task: asyncio.Task[LogBatch]) -> None:
    # A batch that is never fetched must not end as "Task exception was never retrieved" in the log.
    if not task.cancelled():
        task.exception()
