"""When to reconnect, when to give up, and when to take a silent server for dead. No I/O."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...errors import StreamLost, TiledClientError
from ...http.retries import Backoff
from ..protocol.close_codes import is_final

# The loss of a connection that was open for this long starts a new series of attempts.
STABLE_AFTER_SECONDS = 10.0
# A server that sends heartbeats is considered dead when this many in a row do not arrive.
MAX_MISSED_HEARTBEATS = 3


class ReconnectPolicy:
    """Delays between attempts to connect, and the end of a series of them."""

    def __init__(self, give_up_after: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._give_up_after = give_up_after
        self._clock = clock
        self._backoff = Backoff()
        self._series_began_at = clock()

    def delay_after(
        self, failure: TiledClientError, *, progress: bool, open_seconds: float
    ) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up.

        `progress` tells whether events were received over the lost connection, and `open_seconds`
        for how long it was open.
        """
        now = self._clock()
        if progress or open_seconds > STABLE_AFTER_SECONDS:
            self._backoff.reset()
            self._series_began_at = now
        if is_final(failure) or now - self._series_began_at > self._give_up_after:
            return None
        return self._backoff.next(failure.retry_after)


class KeepaliveTimer:
    """The time spent waiting for one message, and the next action.

    The WebSocket library's own keepalive is off: it would take a server for dead whose pong is
    queued behind data that a slow callback has not made room for yet. Only time spent waiting for a
    message counts here.
    """

    def __init__(self, idle_before_ping: float) -> None:
        self._idle = idle_before_ping
        self._waited = 0.0
        self._pinged = False

    def timeout(self, interval: float | None) -> float:
        """Return the seconds to wait for a message; `interval` is that of the heartbeats."""
        if interval is None:
            return self._idle
        return min(self._idle, max(interval * MAX_MISSED_HEARTBEATS - self._waited, 0.0))

    def on_timeout(self, seconds: float, interval: float | None, *, answered: bool) -> bool:
        """Record a wait without a message; return whether to send a ping. Raises StreamLost.

        `answered` tells whether the pong of the last ping has arrived.
        """
        self._waited += seconds
        if interval is not None and self._waited >= interval * MAX_MISSED_HEARTBEATS:
            raise StreamLost(
                f"No message for {self._waited:.1f} s, though the server sends a heartbeat every "
                f"{interval:.1f} s."
            )
        if seconds < self._idle:
            return False
        if self._pinged and not answered:
            raise StreamLost(
                f"No response to a ping within {self._idle:g} s (option idle_before_ping)."
            )
        self._pinged = True
        return True
