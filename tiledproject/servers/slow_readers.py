"""Disconnect clients that stop reading, to free the memory of their unsent data."""

from __future__ import annotations

import asyncio
import logging

from ..config.budgets import BudgetSettings

logger = logging.getLogger(__name__)


class StallWatch:
    """Watches the write buffer of one connection while there are unsent data.

    The watch begins when the buffer is full, or a response is complete, and ends when it is empty.
    Nothing is written to a full buffer, so the client has read as much as the buffer has shrunk.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        limits: BudgetSettings,
    ) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = limits.read_stall
        self._least = limits.read_stall * limits.read_rate
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start watching; idempotent."""
        if self._timer is None:
            self._size = self._transport.get_write_buffer_size()
            self._timer = self._loop.call_later(self._seconds, self._check)

    def stop(self) -> None:
        """Stop watching; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        size = self._transport.get_write_buffer_size()
        if size == 0:
            return
        # A buffer smaller than this minimum has to be read completely.
        if self._size - size < self._least:
            peer = self._transport.get_extra_info("peername")
            logger.warning(
                "Disconnected a client at %s that read less than %d bytes in %g seconds "
                "(budgets.read_stall, budgets.read_rate).",
                peer[0] if peer else "a socket",
                self._least,
                self._seconds,
            )
            self._transport.abort()
        else:
            self.start()
