"""Throttle guesses of the site's own key at the API by address.

A wrong key counts once, however often it is sent: a program that still uses an old key does not
delay other programs of its address. After a number of different wrong keys each further attempt
from the address is delayed, with the right key as well, up to half a minute. An address from which
the right key came within the last hour is never delayed by the process that received it. The
records are bounded in number.

Each process counts in memory, and with each new wrong key in the database as well, from which it
learns how many the other processes and servers have received.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from django.db import DatabaseError

from core.errors import TooMany

from .throttling import RULES, TOO_MANY_ATTEMPTS, count_wrong_key

RULE = RULES["guesses"]
logger = logging.getLogger(__name__)

ATTEMPT_WINDOW = 15 * 60.0
TRUSTED_SECONDS = 3600.0
# The last wrong keys of an address that do not count again.
MAX_REMEMBERED_KEYS = 64


@dataclass(slots=True)
class _Record:
    failures: int = 0
    latest: float = 0.0
    wrong_keys: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED_KEYS))
    succeeded_at: float = -math.inf


class KeyAttempts:
    """Recent attempts by address; an empty address is unknown."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Raise TooMany if an attempt from `address` comes too soon."""
        record = self._records.get(address)
        now = time.monotonic()
        if record is None or not record.failures or now - record.succeeded_at < TRUSTED_SECONDS:
            return
        seconds = RULE.wait(record.failures) - (now - record.latest)
        if seconds > 0:
            whole = math.ceil(seconds)
            raise TooMany(TOO_MANY_ATTEMPTS.format(whole), retry_after=whole)

    def record_failure(self, address: str, key: str) -> None:
        """Count a wrong key, unless it came from there before."""
        if not address:
            return
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()[:8]
        now = time.monotonic()
        with self._lock:
            record = self._record(address)
            if now - record.latest > ATTEMPT_WINDOW:
                record.failures = 0
            if digest in record.wrong_keys:
                return
            record.wrong_keys.append(digest)
            record.failures, record.latest = record.failures + 1, now
        try:
            over_all = count_wrong_key(address, digest)
        except DatabaseError as error:
            logger.debug("Cannot count a wrong key in the database: %s", error)
            return
        with self._lock:
            record.failures = max(record.failures, over_all)

    def record_success(self, address: str) -> None:
        """Trust an address from which the right key came."""
        if not address:
            return
        record, now = self._records.get(address), time.monotonic()
        if record is None or now - record.succeeded_at > TRUSTED_SECONDS / 2:
            with self._lock:
                self._record(address).succeeded_at = now

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()

    def _record(self, address: str) -> _Record:
        record = self._records.setdefault(address, _Record())
        self._records.move_to_end(address)
        if len(self._records) > RULE.buckets:
            self._records.popitem(last=False)
        return record


key_attempts = KeyAttempts()
