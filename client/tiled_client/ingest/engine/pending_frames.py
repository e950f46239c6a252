"""The frames of all nodes that are not acknowledged: in memory, or in a spool."""

from __future__ import annotations

from collections.abc import Iterable

from ...settings import WriterOptions
from ..spool import Spool
from .written_node import PendingFrame


class PendingFrames:
    """Number and size of pending frames, where they are kept, and whether there is room."""

    def __init__(self, options: WriterOptions, spool: Spool | None) -> None:
        self._options, self._spool = options, spool
        self.count = 0
        self._bytes = 0
        # The size of those whose content is in memory.
        self._kept_bytes = 0

    def has_room(self, size: int) -> bool:
        """Return whether a frame of this size may be added now."""
        options = self._options
        if self._spool is not None:
            return self._spool.has_room(size)
        return self.count == 0 or (
            self.count < options.max_pending and self._bytes + size <= options.pending_bytes
        )

    def store(self, frame: PendingFrame) -> None:
        """Add a new frame, also to the spool. Raises OSError."""
        if self._spool is not None:
            assert frame.message is not None
            frame.position = self._spool.append(frame.message)
            if self._kept_bytes + frame.size > self._options.pending_bytes:
                frame.message = None
        self.add(frame)

    def add(self, frame: PendingFrame) -> None:
        """Count a frame."""
        self.count += 1
        self._bytes += frame.size
        if frame.message is not None:
            self._kept_bytes += frame.size

    def content(self, frame: PendingFrame) -> bytes:
        """Return the message of a frame."""
        if frame.message is not None:
            return frame.message
        assert self._spool is not None
        assert frame.position is not None
        return self._spool.read(frame.position)

    def forget(self, frames: Iterable[PendingFrame]) -> None:
        """Stop keeping frames."""
        for frame in frames:
            self.count -= 1
            self._bytes -= frame.size
            if frame.message is not None:
                self._kept_bytes -= frame.size
            if frame.position is not None and self._spool is not None:
                self._spool.release(frame.position)
