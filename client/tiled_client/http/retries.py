"""When to try again, and how long to wait before. No I/O."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from ..errors import ServerFailure, TiledClientError, TransportError

# A server, or what stands before it, that is about to be back.
PASSING = (429, 502, 503, 504)


@dataclass(slots=True)
class Backoff:
    """Waits that double from `base` up to `cap` seconds, each up to half shorter by chance."""

    base: float = 0.1
    cap: float = 5.0
    chance: random.Random = field(default_factory=random.Random)
    attempts: int = 0

    def next(self, at_least: float | None = None) -> float:
        """Seconds to wait before the next attempt, and never less than the server asked for."""
        ceiling = min(self.cap, self.base * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return max(ceiling * self.chance.uniform(0.5, 1.0), at_least or 0.0)

    def reset(self) -> None:
        """Begin again with short waits."""
        self.attempts = 0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds for repeating a request."""

    deadline: float = 30.0
    """Seconds after which nothing is tried again."""
    attempts_at_failure: int = 4
    """How often a request is sent that makes the server fail (500)."""

    def allows(
        self, failure: TiledClientError, *, repeatable: bool, attempt: int, elapsed: float
    ) -> bool:
        """Whether to send the request again after `attempt` tries in `elapsed` seconds."""
        if elapsed + (failure.retry_after or 0.0) >= self.deadline:
            return False
        if surely_unprocessed(failure):
            return True
        if not repeatable or not isinstance(failure, (ServerFailure, TransportError)):
            return False
        return failure.status in (None, *PASSING) or attempt < self.attempts_at_failure


def surely_unprocessed(failure: TiledClientError) -> bool:
    """Return whether the server says that it did nothing, so that an append may be sent again."""
    if isinstance(failure, TransportError):
        return failure.unprocessed
    return failure.status == 429 or (failure.status == 503 and failure.retry_after is not None)


def may_be_done(failure: TiledClientError) -> bool:
    """Return whether a request may have done its work although it failed.

    Then a conflict with what it has made, or that what it has deleted is not there, is its success.
    A proxy, or a server of another make, says 503 of requests that it did not see to their end.
    """
    if isinstance(failure, TransportError):
        return not failure.unprocessed
    return failure.status is not None and failure.status >= 500
