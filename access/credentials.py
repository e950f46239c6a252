"""From credentials to a principal: the site's own key, another one, or none at all."""

from __future__ import annotations

import secrets

from .config import authentication_settings
from .errors import BadRequest, Unauthorized
from .key_lookup import find_key
from .principals import NOBODY, OF_ACCOUNTS, READ, Principal, Scope

OWNER = Principal(frozenset(Scope) - OF_ACCOUNTS)
PUBLIC = Principal(READ, anonymous=True)


def authenticate_key(key: str) -> Principal:
    """The principal that `key` belongs to. Raises Unauthorized for any other key.

    Only a key that may be in the database is looked up there.
    """
    if is_own_key(key):
        return OWNER
    found = find_key(key)
    if found is None:
        raise Unauthorized("Invalid API key")
    return found


def is_own_key(key: str) -> bool:
    """Whether `key` is the site's own, which may do everything."""
    own = authentication_settings().single_user_api_key
    return own is not None and secrets.compare_digest(_bytes(key), _bytes(own))


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


def _bytes(text: str) -> bytes:
    # JSON can say halves of characters, which UTF-8 cannot.
    return text.encode(errors="surrogatepass")
