"""From credentials to a principal: one key for a single user, or none at all."""

from __future__ import annotations

import secrets

from .config import authentication_settings
from .errors import BadRequest, Unauthorized
from .principals import NOBODY, READ, Principal, Scope

OWNER = Principal(frozenset(Scope))
PUBLIC = Principal(READ, anonymous=True)


def authenticate_key(key: str) -> Principal:
    """The principal that `key` belongs to. Raises Unauthorized for any other key."""
    expected = authentication_settings().single_user_api_key
    if expected is None or not secrets.compare_digest(key.encode(), expected.encode()):
        raise Unauthorized("Invalid API key")
    return OWNER


def anonymous() -> Principal:
    """The principal of a request without credentials: a reader on a public server, else nobody."""
    return PUBLIC if authentication_settings().allow_anonymous_access else NOBODY


def key_in_header(authorization: str) -> str | None:
    """The key in an `Authorization: Apikey KEY` header; None for a header of another scheme.

    Raises BadRequest where the header has no scheme, or one that no server of this kind knows.
    """
    scheme, _, secret = authorization.strip().partition(" ")
    if scheme.lower() == "apikey" and secret.strip():
        return secret.strip()
    if scheme.lower() == "bearer" and secret.strip():
        return None
    raise BadRequest(
        "Authorization header must include the authorization type followed by a space and then "
        "the secret, as in 'Bearer SECRET' or 'Apikey SECRET'. "
    )
