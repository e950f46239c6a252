"""Statuses that say no: when, what can be done, and what our client raises."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.api.schema.error_responses import ADVICE, meanings
from tiled_client.errors import error_for_status

from .markdown import code, table


def errors() -> Iterator[str]:
    """Return a row for each status."""
    rows = [
        [code(status), meaning, ADVICE[status], code(type(error_for_status(status, "")).__name__)]
        for status, meaning in meanings().items()
    ]
    broken = type(error_for_status(500, "")).__name__
    rows.append(
        [
            code(500),
            "Internal error of the server.",
            "Report it to the operator, with the request ID; the log has the cause.",
            code(broken),
        ]
    )
    yield from table(["status", "when", "what to do", "our client raises"], sorted(rows))
