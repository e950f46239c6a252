"""Updates that arrived with their notification, until they are applied together. No I/O."""

from __future__ import annotations

from ..protocol.cursor import Position, StreamHead
from .entries import LogBatch
from .notifications import AppendNotification
from .window import Window


class InlineUpdates:
    """Collects the updates that directly follow the head of the window.

    Several that arrived at the same time become one batch, so that each subscriber is served once
    for all of them.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._pending: list[AppendNotification] = []

    def __bool__(self) -> bool:
        return bool(self._pending)

    def is_next(self, notification: AppendNotification) -> bool:
        """Return whether it carries the update that follows the last one pending."""
        last = self._pending[-1].position if self._pending else self._window.head
        return notification.entry is not None and notification.position == Position(
            last.sequence + 1
        )

    def add(self, notification: AppendNotification) -> None:
        """Add a notification that is the next one."""
        self._pending.append(notification)

    def take(self) -> LogBatch | None:
        """Remove and return all pending updates; None if they do not follow the head any more."""
        pending, self._pending = self._pending, []
        first = Position(self._window.head.sequence + 1)
        if (pending[0].epoch, pending[0].position) != (self._window.epoch, first):
            # The log was read in the meantime.
            return None
        entries = [notification.entry for notification in pending if notification.entry is not None]
        last = pending[-1]
        return LogBatch(
            StreamHead(last.epoch, last.position),
            entries,
            complete=True,
            time=entries[-1].time,
            evicted_to=last.evicted_to,
        )
