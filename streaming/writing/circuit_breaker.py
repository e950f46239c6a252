"""What one request has learnt of Redis, known to the others, so that not each of them waits."""

from __future__ import annotations

import threading
import time

PAUSE = 1.0


class Outage:
    """Whether Redis was out of reach a moment ago.

    Then one request in a while tries again; the others need not wait for the same answer.
    `timeout` is for how many seconds a try may take.
    """

    def __init__(self, timeout: float, pause: float = PAUSE) -> None:
        self._timeout = timeout
        self._pause = pause
        self._until: float | None = None
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Whether to try. Whoever does says then how it went."""
        if self._until is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._until is not None and now < self._until:
                return False
            self._until = now + self._timeout + self._pause
            return True

    def failed(self) -> None:
        """Redis was out of reach."""
        self._until = time.monotonic() + self._pause

    def worked(self) -> None:
        """Redis has answered."""
        self._until = None
