"""Send the newest content of a feed to a widget, at the pace at which the widget draws it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..feeds.feed import LiveFeed
from ..status import LiveStatus
from .messages import ContentEncoder

Send = Callable[[dict[str, Any], list[bytes]], None]

# Seconds between contents that are sent without an acknowledgement, while the kernel cannot receive
# one: the first pause, what it grows by, and the longest. A page that was closed costs little then.
FIRST_PAUSE = 0.5
GROWTH = 1.2
LONGEST_PAUSE = 10.0


class Courier:
    """Sends the newest content when the widget has drawn the one before.

    `_is_ready` says that the widget has acknowledged the last content. All methods may be called
    on any thread.

    Parameters
    ----------
    feed, encoder, send
        Where contents come from, how they are encoded, and what sends a message.
    is_busy
        Returns whether the kernel runs a cell, so that acknowledgements may have to wait.
    """

    def __init__(
        self,
        feed: LiveFeed[Any],
        encoder: ContentEncoder[Any],
        send: Send,
        is_busy: Callable[[], bool],
    ) -> None:
        self._feed = feed
        self._encoder = encoder
        self._send = send
        self._is_busy = is_busy
        self._lock = threading.Lock()
        self._id = 0
        self._is_ready = False
        self._sent_at = 0.0
        self._pause = FIRST_PAUSE
        self._state = ""

    def deliver(self) -> bool:
        """Send what is new if the widget is ready; return whether anything was sent."""
        with self._lock:
            if not self._feed.has_fresh or not self._may_send():
                return self._send_state()
            content = self._feed.take()
            if content is not None:
                self._send_content(content, whole=False)
            return content is not None

    def acknowledge(self, number: int) -> None:
        """Note that the widget has drawn a content; send the next one if there is any."""
        with self._lock:
            # Another view of the widget may be slower, and acknowledge an older one later.
            self._is_ready = self._is_ready or number == self._id
            self._pause = FIRST_PAUSE
        self.deliver()

    def begin(self) -> None:
        """Send the newest content as a whole, to a view that has none yet."""
        with self._lock:
            content = self._feed.take() or self._feed.peek()
            if content is None:
                self._is_ready, self._state = True, ""
                self._send_state()
            else:
                self._send_content(content, whole=True)

    def _may_send(self) -> bool:
        if self._is_ready:
            return True
        # While a cell runs, the widget cannot be heard; it draws what it can.
        return self._is_busy() and time.monotonic() - self._sent_at >= self._pause

    def _send_content(self, content: Any, *, whole: bool) -> None:
        if not self._is_ready:
            self._pause = min(LONGEST_PAUSE, self._pause * GROWTH)
        self._id += 1
        self._is_ready, self._sent_at = False, time.monotonic()
        message, buffers = self._encoder.encode(content, whole=whole)
        status = self._feed.status
        self._state = status.state
        self._send({**message, "id": self._id, "status": status_message(status)}, buffers)

    def _send_state(self) -> bool:
        status = self._feed.status
        if status.state == self._state:
            return False
        self._state = status.state
        self._send({"type": "status", "status": status_message(status)}, [])
        return True


def status_message(status: LiveStatus) -> dict[str, Any]:
    """Return what the status line of a widget shows."""
    return {"state": status.state, "text": str(status)}
