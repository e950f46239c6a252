"""Deadlines of read-only database statements, and their cancellation with the request.

Statements within `statement_deadline` end after `bounds.search_seconds`, or when the client of the
request disconnects, so that an abandoned search holds neither a connection nor a thread.

PostgreSQL enforces the deadline itself (`statement_timeout`), set in one round trip with each
statement; a disconnected client causes a cancel request. SQLite runs in this process: it calls back
after a fixed number of instructions to check whether to continue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from core.bounds import bounds
from core.cancellation import current
from core.errors import BadRequest

from ..database_vendor import on_postgresql

# SQLite instructions between two checks of the clock: tens of rows, each of which may call one of
# our functions on a large text.
INSTRUCTIONS = 2_000
# How long to wait for PostgreSQL to accept a cancel request, in seconds.
CANCEL_TIMEOUT = 5
NO_WORKERS = "SET LOCAL max_parallel_workers_per_gather = 0"
# The message of SQLite and the SQLSTATE of PostgreSQL for an interrupted statement.
INTERRUPTED, QUERY_CANCELED = "interrupted", "57014"


@contextmanager
def statement_deadline(*, workers: bool = True) -> Iterator[None]:
    """Limit the time of the statements in the block. Raise BadRequest, or Cancelled, beyond it.

    Without `workers`, PostgreSQL runs each statement in one process. It overestimates the cost
    of word searches and would start parallel workers, which takes longer than the search.
    """
    deadline = time.monotonic() + bounds().search_seconds
    limited = _on_postgresql if on_postgresql() else _on_sqlite
    try:
        with limited(deadline, workers):
            yield
    except OperationalError as error:
        if not _was_ended(error):
            raise
        current().raise_if_cancelled()
        raise BadRequest(
            f"The search took longer than {bounds().search_seconds:g} seconds (the setting "
            "bounds.search_seconds). Use fewer or simpler filters, or search a smaller container."
        ) from error


def _was_ended(error: OperationalError) -> bool:
    if on_postgresql():
        return getattr(error.__cause__, "sqlstate", None) == QUERY_CANCELED
    return str(error) == INTERRUPTED


@contextmanager
def _on_sqlite(deadline: float, workers: bool) -> Iterator[None]:
    token = current()
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(lambda: token.cancelled or time.monotonic() > deadline, INSTRUCTIONS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


@contextmanager
def _on_postgresql(deadline: float, workers: bool) -> Iterator[None]:
    token = current()
    token.raise_if_cancelled()
    connection.ensure_connection()
    raw: Any = connection.connection
    try:
        with (
            token.on_cancel(lambda: raw.cancel_safe(timeout=CANCEL_TIMEOUT)),
            connection.execute_wrapper(_with_timeout(deadline, workers)),
        ):
            yield
    finally:
        if token.cancelled and not connection.in_atomic_block:
            # A late cancel request would interrupt the next statement of this connection.
            raw.close()
            connection.close()


def _with_timeout(deadline: float, workers: bool) -> Callable[..., Any]:
    """Return an execute wrapper that lets PostgreSQL cancel each statement at the deadline."""

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        left = max(int((deadline - time.monotonic()) * 1000), 1)
        settings = f"SET LOCAL statement_timeout = {left}" + ("" if workers else f"; {NO_WORKERS}")
        # One round trip, in a transaction that ends with the statement. The client interpolates
        # the parameters: the server cannot bind them for several statements.
        result = execute(f"{settings}; {sql}", params, many, context)
        cursor = context["cursor"].cursor
        while cursor.nextset():
            pass
        return result

    return wrapper
