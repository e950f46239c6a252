"""Metrics of errors. docs/how-to/monitor.md explains them."""

from __future__ import annotations

from core.errors import ServiceError
from core.metrics.families import Counter

ERRORS = Counter(
    "tiled_errors_total",
    "Errors that the API answered, by HTTP status, and by the code or else the class of the error.",
    ("code", "reason"),
)


def count_error(error: Exception, status: int) -> None:
    """Count the response to an error. Its text may name a node, so it is not a label."""
    code = error.code if isinstance(error, ServiceError) else None
    ERRORS.labels(str(status), code or type(error).__name__).add()
