"""Backpressure for connections of the development server."""

from __future__ import annotations

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class WriteGate:
    """A gate that the transport closes while its buffer is full."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    async def wait(self) -> None:
        """Return when more can be sent, or the connection is lost."""
        await self._free.wait()

    def pauseProducing(self) -> None:  # noqa: N802
        """Close the gate: the transport's buffer is full."""
        self._free.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """Open the gate: the transport's buffer is empty."""
        self._free.set()

    def stopProducing(self) -> None:  # noqa: N802
        """Open the gate: the connection is lost."""
        self._free.set()
