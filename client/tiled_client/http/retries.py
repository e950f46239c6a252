"""Retry policy and exponential back-off. No I/O."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from ..errors import FailureCause, ServerError, TiledClientError, TransportError

# Statuses of a server, or of a proxy before it, that is expected to recover.
TRANSIENT_STATUSES = (429, 502, 503, 504)


@dataclass(slots=True)
class Backoff:
    """Delays that double from `base` up to `cap` seconds, with up to 50 % jitter subtracted."""

    base: float = 0.1
    cap: float = 5.0
    chance: random.Random = field(default_factory=random.Random)
    attempts: int = 0

    def next(self, at_least: float | None = None) -> float:
        """Return the seconds to wait before the next attempt.

        Parameters
        ----------
        at_least
            A lower bound, as from a `Retry-After` header.
        """
        ceiling = min(self.cap, self.base * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return max(ceiling * self.chance.uniform(0.5, 1.0), at_least or 0.0)

    def reset(self) -> None:
        """Start again with the shortest delay."""
        self.attempts = 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Limits for repeating a request."""

    deadline: float = 30.0
    """Seconds after the first attempt; no retry starts later."""
    attempts_at_failure: int = 4
    """Maximum attempts while the server responds with an error that is not transient (500)."""
    discovery: bool = False
    """Whether the server has never answered: a refused connection then hardly heals by waiting."""

    def allows(
        self, failure: TiledClientError, *, repeatable: bool, attempt: int, elapsed: float
    ) -> bool:
        """Return whether to repeat a request.

        Parameters
        ----------
        failure
            The error of the last attempt.
        repeatable
            Whether the request has the same effect if the server executes it twice.
        attempt
            Number of attempts so far.
        elapsed
            Seconds since the first attempt.
        """
        if elapsed + (failure.retry_after or 0.0) >= self.deadline or self._is_final(failure):
            return False
        if is_safe_to_retry(failure):
            return True
        if not repeatable or not isinstance(failure, (ServerError, TransportError)):
            return False
        return failure.status in (None, *TRANSIENT_STATUSES) or attempt < self.attempts_at_failure

    def _is_final(self, failure: TiledClientError) -> bool:
        if not isinstance(failure, TransportError):
            return False
        at_first = self.discovery and failure.cause in FINAL_AT_FIRST
        return at_first or failure.cause is FailureCause.tls


# Causes that are final for a server that has never answered: a wrong address, most likely.
FINAL_AT_FIRST = (
    FailureCause.refused,
    FailureCause.unknown_host,
    FailureCause.unreachable,
    FailureCause.broken,
)


def is_safe_to_retry(failure: TiledClientError) -> bool:
    """Return whether the request was certainly not executed, so that even an append may be retried.

    A 503 says so only with Retry-After: without, it may come from a proxy that gave up waiting.
    """
    if isinstance(failure, TransportError):
        return failure.unprocessed
    return failure.status == 429 or (failure.status == 503 and failure.retry_after is not None)


def may_have_succeeded(failure: TiledClientError) -> bool:
    """Return whether a failed request may have been executed all the same.

    If so, a conflict with what it created, or a 404 for what it deleted, means success. Any 5xx
    counts: proxies respond with 503 to requests whose end they did not see.
    """
    if isinstance(failure, TransportError):
        return not failure.unprocessed
    return failure.status is not None and failure.status >= 500
