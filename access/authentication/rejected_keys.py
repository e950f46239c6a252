"""Audit of rejected API keys: one event per address and minute, however many requests fail."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from core.audit import audit

INTERVAL_SECONDS = 60.0
# The addresses that are remembered; memory is bounded, whatever addresses a client has.
MAX_ADDRESSES = 4096


class RejectedKeys:
    """Rejected keys since the last event of each address. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Time of the last event, and the number of rejected keys since.
        self._addresses: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str, first_eight: str | None) -> None:
        """Count a rejected key, and write an event if one is due.

        `first_eight` names the key if it has the form of a stored one: it is not a secret.
        """
        now = time.monotonic()
        with self._lock:
            latest, count = self._addresses.pop(address, (float("-inf"), 0))
            due = now - latest > INTERVAL_SECONDS
            self._addresses[address] = (now, 0) if due else (latest, count + 1)
            if len(self._addresses) > MAX_ADDRESSES:
                self._addresses.popitem(last=False)
        if due:
            audit("key_rejected", key=first_eight, more_since_last=count or None)


rejected_keys = RejectedKeys()
