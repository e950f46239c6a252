"""Budgets of a server process: how much is held for all clients together, from any thread.

The totals are settings of the section `limits`. What does not fit any more is refused with 503 and
a sentence that names the setting; the refusal is logged, at most once in ten seconds per budget.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

from .errors import Unavailable

logger = logging.getLogger(__name__)

LOG_SECONDS = 10.0
RETRY_AFTER = 5


class Budget:
    """An amount of something, of which parts are taken and given back."""

    def __init__(self, total: int, *, setting: str, what: str) -> None:
        self.total = total
        self.taken = 0
        self._setting = setting
        self._what = what
        self._lock = threading.Lock()
        self._logged = float("-inf")

    def take(self, amount: int) -> None:
        """Take `amount`. Raises Unavailable where there is not so much left."""
        with self._lock:
            if self.taken + amount <= self.total:
                self.taken += amount
                return
            detail = f"The server holds too many {self._what} at the moment ({self._setting})."
            now = time.monotonic()
            if now - self._logged > LOG_SECONDS:
                self._logged = now
                logger.warning("Refused a request: %s Limit: %d.", detail, self.total)
        raise Unavailable(f"{detail} Try again soon.", retry_after=RETRY_AFTER)

    def give_back(self, amount: int) -> None:
        """Give back `amount` that was taken."""
        with self._lock:
            self.taken -= amount

    @contextmanager
    def held(self, amount: int) -> Iterator[None]:
        """Take `amount` while the block runs. Raises Unavailable."""
        self.take(amount)
        try:
            yield
        finally:
            self.give_back(amount)


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
