"""How long to hold on: to a server that is away, and to one that is silent. No I/O."""

from __future__ import annotations

import time

from ...errors import StreamLost, TiledClientError
from ...http.retries import Backoff
from ..protocol.close_codes import is_final

# A connection that held for so many seconds counts as sound: its loss is not one more of a series.
SOUND_AFTER = 10.0
# A server that promises heartbeats is taken for dead when so many in a row do not come.
HEARTBEATS_MISSED = 3


class ReconnectPolicy:
    """When to connect again after a loss, and when to give up."""

    def __init__(self, give_up_after: float) -> None:
        self._give_up_after = give_up_after
        self._backoff = Backoff()
        self._sound_at = time.monotonic()

    def after(self, failure: TiledClientError, *, news: bool, held: float) -> float | None:
        """Seconds to wait before the next attempt; None if there shall be none.

        `news` says whether anything was received over the lost connection, and `held` for how
        many seconds it was there.
        """
        now = time.monotonic()
        if news or held > SOUND_AFTER:
            self._backoff.reset()
            self._sound_at = now
        if is_final(failure) or now - self._sound_at > self._give_up_after:
            return None
        return self._backoff.next(failure.retry_after)


class KeepaliveTimer:
    """How long no frame has come, and what to do about it.

    The library's own keepalive is off: it takes a server for dead whose answer waits behind data
    that a slow callback has not yet made room for. Here only the time counts that was spent waiting
    for a frame.
    """

    def __init__(self, idle_before_ping: float) -> None:
        self._idle = idle_before_ping
        self._waited = 0.0
        self._asked = False

    def patience(self, interval: float | None) -> float:
        """Seconds to wait for the next frame, of a server with such a heartbeat."""
        if interval is None:
            return self._idle
        return min(self._idle, max(interval * HEARTBEATS_MISSED - self._waited, 0.0))

    def passed(self, seconds: float, interval: float | None, *, answered: bool) -> bool:
        """Nothing came for so long; whether to ask for a sign of life. Raises StreamLost.

        `answered` says whether the last time it was asked for, it was given.
        """
        self._waited += seconds
        if interval is not None and self._waited >= interval * HEARTBEATS_MISSED:
            raise StreamLost(f"The server has not been heard for {self._waited:.1f} s.")
        if seconds < self._idle:
            return False
        if self._asked and not answered:
            raise StreamLost("The server gives no sign of life.")
        self._asked = True
        return True
