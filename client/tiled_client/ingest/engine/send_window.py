"""The window of the server: how much may be on its way to it. No I/O."""

from __future__ import annotations

from collections.abc import Collection

from .written_node import PendingFrame


class SendWindow:
    """Number and size of the frames that the server has not acknowledged, and their limits."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin a connection, before the server has sent its limits."""
        self._frames = self._bytes = 0
        self._limits = (1, 1)

    def set_limits(self, frames: int, size: int) -> None:
        """Use the limits that the server has sent."""
        self._limits = (frames, size)

    def fits(self, size: int) -> bool:
        """Return whether a frame of this size may be sent; one alone always may."""
        frames, limit = self._limits
        return self._frames == 0 or (self._frames < frames and self._bytes + size <= limit)

    def add(self, size: int) -> None:
        """Count a frame that is sent."""
        self._frames += 1
        self._bytes += size

    def remove(self, frames: Collection[PendingFrame]) -> None:
        """Stop counting frames, which were sent."""
        self._frames -= len(frames)
        self._bytes -= sum(frame.size for frame in frames)
