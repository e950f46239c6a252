"""Single-flight probes of the backends, with a deadline.

A backend that hangs, such as a dead NFS server, blocks its probe for long. So each probe runs in a
separate thread, at most one at a time, and a caller waits for it only until its deadline. Results
are reused for a moment, because anonymous clients may ask.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from enum import StrEnum

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0


class Health(StrEnum):
    """Health of a backend. With a degraded one the server still works, with less."""

    ok = "ok"
    degraded = "degraded"
    unavailable = "unavailable"


@dataclass(frozen=True, slots=True)
class Finding:
    """The health of a backend, with the reason unless it is ok."""

    health: Health
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as in a response."""
        found = {"status": str(self.health)}
        return {**found, "detail": self.detail} if self.detail else found


OK = Finding(Health.ok)


class Probe:
    """A check of one backend. Safe to use from any thread."""

    def __init__(self, check: Callable[[], Finding]) -> None:
        self._check = check
        self._lock = threading.Lock()
        self._current: Future[Finding] | None = None
        self._ended_at = float("-inf")

    def start(self) -> Future[Finding]:
        """Return the future of the check that runs, or has just run; start one otherwise."""
        with self._lock:
            future = self._current
            if future is not None and not (future.done() and self._is_stale()):
                return future
            self._current = future = Future()
        threading.Thread(target=self._run, args=(future,), name="probe", daemon=True).start()
        return future

    def _is_stale(self) -> bool:
        return time.monotonic() - self._ended_at > FRESH_SECONDS

    def _run(self, future: Future[Finding]) -> None:
        try:
            found = self._check()
        except Exception:
            logger.exception("A readiness check failed")
            found = Finding(Health.unavailable, "The check itself failed; see the log.")
        self._ended_at = time.monotonic()
        future.set_result(found)


def run_probes(probes: Sequence[Probe], seconds: float) -> list[Finding]:
    """Run all probes side by side; one that takes longer than `seconds` counts as unavailable."""
    deadline = time.monotonic() + seconds
    futures = [probe.start() for probe in probes]
    return [_result(future, deadline, seconds) for future in futures]


def _result(future: Future[Finding], deadline: float, seconds: float) -> Finding:
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except NotInTime:
        return Finding(Health.unavailable, f"No response within {seconds:g} seconds.")
