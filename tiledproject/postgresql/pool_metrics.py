"""Metrics of the pool of PostgreSQL connections, by the names of Tiled."""

from __future__ import annotations

from core.metrics.families import Counter, Gauge

LABELS = ("uri",)

ESTABLISHED = Gauge("tiled_db_pool_established", "Open connections to the database.", LABELS)
ACTIVE = Gauge("tiled_db_pool_active", "Connections to the database that are in use.", LABELS)
OPENED = Counter("tiled_db_pool_opened_total", "Connections that were opened.", LABELS)
CLOSED = Counter("tiled_db_pool_closed_total", "Connections that were closed.", LABELS)
CHECKOUTS = Counter("tiled_db_pool_checkouts_total", "Connections that were lent.", LABELS)
CHECKINS = Counter("tiled_db_pool_checkins_total", "Connections that were returned.", LABELS)
INVALID = Counter(
    "tiled_db_pool_invalid_total", "Connections that the database had closed.", LABELS
)
AT_MAX = Counter(
    "tiled_db_pool_at_max_total", "Times that all connections that may be open were in use.", LABELS
)
FAILURES = Counter("tiled_db_pool_failures_total", "Attempts to connect that failed.", LABELS)


class PoolMetrics:
    """Counts what happens in one pool."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def opened(self) -> None:
        """Count a connection that was opened."""
        OPENED.labels(self._uri).add()

    def closed(self, count: int) -> None:
        """Count connections that were closed."""
        CLOSED.labels(self._uri).add(count)

    def lent(self, in_use: int, most: int) -> None:
        """Count a connection that was lent, so that `in_use` of `most` are."""
        CHECKOUTS.labels(self._uri).add()
        if in_use >= most:
            AT_MAX.labels(self._uri).add()

    def returned(self) -> None:
        """Count a connection that was returned."""
        CHECKINS.labels(self._uri).add()

    def invalid(self) -> None:
        """Count a connection that the database had closed while it was idle."""
        INVALID.labels(self._uri).add()

    def failed(self) -> None:
        """Count an attempt to connect that failed."""
        FAILURES.labels(self._uri).add()

    def sample(self, size: int, in_use: int) -> None:
        """Set the number of open connections, and of those in use."""
        ESTABLISHED.labels(self._uri).set(size)
        ACTIVE.labels(self._uri).set(in_use)
