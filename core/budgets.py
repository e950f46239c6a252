"""Budgets: limits of what a server process holds for all clients together. Thread-safe.

The totals are settings of the section `budgets`. A request that would exceed one is rejected with
503 and the name of the setting, and logged, at most once in ten seconds per budget.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

from .errors import Unavailable

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0
RETRY_AFTER = 5


class Exhausted(Unavailable):
    """A budget, or the share of an address, is exhausted."""


class Budget:
    """A limited total, of which parts are acquired and released.

    One address gets at most half of it, so that no client can block all others.
    """

    def __init__(self, total: int, *, setting: str, what: str) -> None:
        self.total = total
        self.used = 0
        self._setting = setting
        self._what = what
        self._lock = threading.Lock()
        self._logged = float("-inf")
        self._by_address: Counter[str] = Counter()

    def acquire(self, amount: int, address: str = "", *, own: int = 0) -> None:
        """Acquire `amount`, for `address` if it is known. Raises Exhausted beyond the budget.

        `own` is the part that the address already holds for the same growing answer or file.
        """
        with self._lock:
            held = self._by_address[address] if address else 0
            # A single answer or file may take the whole budget.
            crowded = held > own and held + amount > self.total // 2
            if self.used + amount <= self.total and not crowded:
                self.used += amount
                self._count(address, amount)
                return
            whose = " for this address" if self.used + amount <= self.total else ""
            detail = (
                f"The server holds too many {self._what}{whose} at the moment ({self._setting})."
            )
            now = time.monotonic()
            if now - self._logged > LOG_SECONDS:
                self._logged = now
                logger.warning("Refused a request: %s Limit: %d.", detail, self.total)
        raise Exhausted(f"{detail} Try again soon.", retry_after=RETRY_AFTER)

    def release(self, amount: int, address: str = "") -> None:
        """Return an acquired `amount` to the budget."""
        with self._lock:
            self.used -= amount
            self._count(address, -amount)

    def _count(self, address: str, amount: int) -> None:
        if address:
            self._by_address[address] += amount
            if not self._by_address[address]:
                del self._by_address[address]

    @contextmanager
    def held(self, amount: int, address: str = "") -> Iterator[None]:
        """Hold `amount` while the block runs. Raises Exhausted."""
        self.acquire(amount, address)
        try:
            yield
        finally:
            self.release(amount, address)


class Reservation:
    """The part of a budget that a growing file or answer holds for an address."""

    def __init__(self, budget: Budget, address: str = "") -> None:
        self._budget = budget
        self._address = address
        self._size = 0

    def by(self, more: int) -> None:
        """Increase the held part by `more`. Raises Exhausted."""
        self._budget.acquire(more, self._address, own=self._size)
        self._size += more

    def to(self, size: int) -> None:
        """Change the held part to `size`. Raises Exhausted."""
        if size > self._size:
            self.by(size - self._size)
        else:
            self._budget.release(self._size - size, self._address)
            self._size = size

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self.to(0)


class Budgets:
    """The budgets of this process."""

    def __init__(
        self, *, answer_bytes: int, temporary_bytes: int, temporary_files: int, exports: int
    ) -> None:
        self.answer_bytes = Budget(
            answer_bytes,
            setting="budgets.answer_bytes",
            what="bytes of answers that are being read",
        )
        self.temporary_bytes = Budget(
            temporary_bytes, setting="budgets.temporary_bytes", what="bytes in temporary files"
        )
        self.temporary_files = Budget(
            temporary_files, setting="budgets.temporary_files", what="temporary files"
        )
        self.exports = Budget(exports, setting="budgets.exports", what="exports")


@cache
def budgets() -> Budgets:
    """Return the budgets of this process, as the site's settings have them."""
    limits = settings.TILED.budgets
    return Budgets(
        answer_bytes=limits.answer_bytes,
        temporary_bytes=limits.temporary_bytes,
        temporary_files=limits.temporary_files,
        exports=limits.exports,
    )
