"""Map what fails below a WebSocket to what its client is told: a status, or a close code."""

from __future__ import annotations

import logging

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)

from core.errors import ServiceError, Unavailable

logger = logging.getLogger(__name__)

DATABASE_AWAY = "The database cannot be reached, or is too busy. Try again soon."
INTERNAL = "Internal error"
# These are errors of the statement, which trying again does not mend.
WRONG = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_passing(error: BaseException) -> bool:
    """Return whether `error` comes from a database that is away or busy for a while."""
    if not isinstance(error, (DatabaseError, InterfaceError)) or isinstance(error, WRONG):
        return False
    # SQLite says so of tables that are missing.
    return not str(error).startswith("no such")


def service_error(error: Exception, what: str | None) -> ServiceError:
    """Return the error to tell the client; log what is not the client's affair.

    `what` is the path of the connection, for the log.
    """
    if isinstance(error, ServiceError):
        return error
    if is_passing(error):
        logger.warning("The database failed a connection to %s: %s", what, _one_line(error))
        return Unavailable(DATABASE_AWAY)
    logger.exception("A connection to %s failed", what, exc_info=error)
    return ServiceError(INTERNAL)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
