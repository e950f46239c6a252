"""Errors of requests whose credentials are missing, invalid, expired or revoked (401).

Source: docs/reference/tiled-protocol/http.md, "Presenting credentials, CSRF".
"""

from __future__ import annotations

from core.errors import Unauthorized

BEARER = {"WWW-Authenticate": "Bearer"}
INVALID_CREDENTIALS = "Could not validate credentials"
EXPIRED = "Access token has expired. Refresh token."
SESSION_OVER = "Session has expired. Please re-authenticate."


def invalid_token_error() -> Unauthorized:
    """Return the error for an invalid token."""
    return Unauthorized(INVALID_CREDENTIALS, headers=BEARER)


def session_over_error() -> Unauthorized:
    """Return the error for a session that has expired or was revoked."""
    return Unauthorized(SESSION_OVER, headers=BEARER)
