"""Limit what is received and not yet written: of one producer, and of all of a process together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakSet

from ..ingest_config import IngestSettings


class Intake:
    """What one connection has sent and the server has not dealt with. Not safe in other threads.

    `pause` and `resume` stop and continue reading from the connection, where the server would not
    stop by itself.
    """

    _full: WeakSet[Intake] = WeakSet()
    _total = 0

    def __init__(
        self,
        settings: IngestSettings,
        pause: Callable[[], None] | None = None,
        resume: Callable[[], None] | None = None,
    ) -> None:
        self._settings = settings
        self._pause, self._resume = pause, resume
        self._free = asyncio.Event()
        self._free.set()
        self.bytes = 0
        self.frames = 0

    def add(self, size: int) -> bool:
        """Count a frame that was received; return whether it is within the window."""
        self.bytes += size
        self.frames += 1
        Intake._total += size
        if self._is_full() and self._free.is_set():
            self._free.clear()
            self._full.add(self)
            if self._pause is not None:
                self._pause()
        settings = self._settings
        # One frame may be larger than the window.
        return self.frames <= settings.window_frames and (
            self.bytes <= settings.window_bytes or self.frames == 1
        )

    def remove(self, size: int, frames: int = 1) -> None:
        """Stop counting frames that were dealt with."""
        self.bytes -= size
        self.frames -= frames
        Intake._total -= size
        for intake in list(self._full):
            intake._update()

    async def wait(self) -> None:
        """Wait until there is room for another frame."""
        await self._free.wait()

    def _is_full(self) -> bool:
        settings = self._settings
        return self.frames > 0 and (
            self.bytes >= settings.window_bytes
            or self.frames >= settings.window_frames
            or Intake._total >= settings.received_bytes
        )

    def _update(self) -> None:
        if not self._is_full():
            self._full.discard(self)
            self._free.set()
            if self._resume is not None:
                self._resume()
