"""Map the failures of a WebSocket connection to errors with a status and a close code."""

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

DATABASE_UNAVAILABLE = "The database is unavailable or overloaded. Try again later."
INTERNAL_ERROR = "Internal error"
# Errors of the statement itself: a retry fails in the same way.
PERMANENT_ERRORS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def is_transient(error: BaseException) -> bool:
    """Return whether `error` means that the database is unavailable or overloaded for now."""
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return False
    if isinstance(error, PERMANENT_ERRORS):
        return False
    # SQLite raises OperationalError for missing tables ("no such table") too.
    return not str(error).startswith("no such")


def to_service_error(error: Exception, path: str | None) -> ServiceError:
    """Return the error to send to the client, and log everything that is a fault of the server.

    `path` is the URL path of the connection, for the log.
    """
    if isinstance(error, ServiceError):
        return error
    if is_transient(error):
        logger.warning("A database error ended the connection to %s: %s", path, _one_line(error))
        return Unavailable(DATABASE_UNAVAILABLE)
    logger.exception("An unexpected error ended the connection to %s", path, exc_info=error)
    return ServiceError(INTERNAL_ERROR)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
