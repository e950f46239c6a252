"""Errors as one sentence, and as an exit code."""

from __future__ import annotations

import traceback

from ..errors import (
    Conflict,
    Forbidden,
    NodeNotFound,
    TiledClientError,
    TransportError,
    Unauthorized,
)
from ..profiles.errors import ProfileError, ProfileExists, ProfileNotFound

NOT_FOUND, NOT_PERMITTED, NO_SERVER, EXISTS = 3, 4, 5, 6
CODES: tuple[tuple[type[Exception], int], ...] = (
    (NodeNotFound, NOT_FOUND),
    (ProfileNotFound, NOT_FOUND),
    (FileNotFoundError, NOT_FOUND),
    (Unauthorized, NOT_PERMITTED),
    (Forbidden, NOT_PERMITTED),
    (PermissionError, NOT_PERMITTED),
    (TransportError, NO_SERVER),
    (Conflict, EXISTS),
    (ProfileExists, EXISTS),
    (FileExistsError, EXISTS),
)
# Errors whose text is a sentence; others are mistakes of this program, and show where.
EXPECTED = (TiledClientError, ProfileError, OSError, ValueError, TypeError, ImportError, KeyError)


def exit_code_of(error: Exception) -> int:
    """Return the exit code that an error means; 1 for those without their own."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 1)


def explain(error: Exception) -> str:
    """Return what failed on one line."""
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}."
    if isinstance(error, TiledClientError):
        return " ".join(error.detail.split())
    if isinstance(error, EXPECTED):
        text = str(error.args[0]) if type(error) is KeyError and error.args else str(error)
        return " ".join(text.split()) or type(error).__name__
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
