"""Whether a connection of the development server has room for more."""

from __future__ import annotations

import asyncio

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class WriteGate:
    """Asked by the sender, told by the transport."""

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()

    async def wait(self) -> None:
        """Return as soon as more may be sent, or there is nobody left to send to."""
        await self._free.wait()

    def pauseProducing(self) -> None:  # noqa: N802
        """The transport's buffer is full."""
        self._free.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """The transport's buffer is empty."""
        self._free.set()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is gone."""
        self._free.set()
