"""Circuit breaker for Redis, shared by all requests of a process.

=========  ==================================  ============================================
state      `_retry_at`                         `allows` returns
=========  ==================================  ============================================
closed     None                                True
open       in the future                       False
half-open  passed                              True once; then it is open until the timeout
                                               of that attempt
=========  ==================================  ============================================
"""

from __future__ import annotations

import threading
import time

RETRY_SECONDS = 1.0


class CircuitBreaker:
    """Spares requests the timeout that another one has just suffered.

    `timeout` is the number of seconds that an attempt may take.
    """

    def __init__(self, timeout: float, retry_seconds: float = RETRY_SECONDS) -> None:
        self._timeout = timeout
        self._retry_seconds = retry_seconds
        self._retry_at: float | None = None
        self._lock = threading.Lock()

    def allows(self) -> bool:
        """Return whether to try. The caller then records the failure or success."""
        # Without the lock: the usual case, on the path of every write.
        if self._retry_at is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._retry_at is not None and now < self._retry_at:
                return False
            self._retry_at = now + self._timeout + self._retry_seconds
            return True

    def record_failure(self) -> None:
        """Open the circuit: Redis did not answer."""
        self._retry_at = time.monotonic() + self._retry_seconds

    def record_success(self) -> None:
        """Close the circuit: Redis answered."""
        self._retry_at = None
