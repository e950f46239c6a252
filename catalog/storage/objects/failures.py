"""Translate failures of object storage into the errors of stored data, and log them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from obstore import exceptions

from ..errors import MissingFile, StorageUnavailable

logger = logging.getLogger(__name__)

LOG_INTERVAL_SECONDS = 60.0
MAX_LOGGED_CHARACTERS = 500
UNREACHABLE = "The object storage cannot be reached, or is too busy. Try again soon."
REJECTED = (
    "The object storage rejects the credentials of the server. Try again when its administrator "
    "has changed them."
)
NO_BUCKET = (
    "The bucket of the server does not exist. Try again when its administrator has created it."
)

_lock = threading.Lock()
_logged: dict[str, float] = {}


@contextmanager
def translated(name: str, *, missing_is_object: bool = True) -> Iterator[None]:
    """Raise MissingFile or StorageUnavailable instead of the errors of obstore.

    `missing_is_object` says that a missing object is an answer about `name`; otherwise the bucket
    is missing. AlreadyExistsError passes through.
    """
    try:
        yield
    except exceptions.AlreadyExistsError:
        raise
    except FileNotFoundError as error:
        # S3 answers 404 for a missing bucket too, and names it.
        if missing_is_object and "NoSuchBucket" not in str(error):
            raise MissingFile(f"The object {name} does not exist.") from error
        raise _unavailable(NO_BUCKET, error, 30) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise _unavailable(REJECTED, error, 30) from error
    except (exceptions.BaseError, OSError) as error:
        raise _unavailable(UNREACHABLE, error, 5) from error


def reason(error: BaseException) -> str:
    """Return one line about the failure of a request, without the debug dump that follows it."""
    text = str(error.__cause__ or error).partition("\n\nDebug source")[0]
    return " ".join(text.split())[:MAX_LOGGED_CHARACTERS]


def _unavailable(detail: str, error: BaseException, retry_after: int) -> StorageUnavailable:
    with _lock:
        due = time.monotonic() - _logged.get(detail, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS
        if due:
            _logged[detail] = time.monotonic()
    if due:
        logger.error("%s %s", detail, reason(error))
    return StorageUnavailable(detail, retry_after=retry_after)
