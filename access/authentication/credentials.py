"""Authenticate credentials: an API key, an access token, a browser session, or none."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from core.errors import BadRequest, Unauthorized

from ..accounts.account_state import get_account_state
from ..api_keys.lookup import may_be_stored, principal_for_secret
from ..config import authentication_settings
from ..models import KEY_PREFIX_LENGTH, Session
from ..principals import ANONYMOUS, READ, SERVICE_KEY_PRINCIPAL, Principal
from ..unauthorized import BEARER, invalid_token_error, session_over_error
from .browser_logins import session_principal
from .jwt_tokens import read_access
from .key_attempts import key_attempts
from .rejected_keys import rejected_keys

ANONYMOUS_READER = Principal(READ, anonymous=True)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of a client, with its address if known.

    `secret` is an API key, an access token, or the session cookie of a browser.
    """

    kind: Literal["apikey", "bearer", "session"]
    secret: str
    address: str = ""

    def at(self, address: str) -> Credentials:
        """Return the same credentials, shown from `address`."""
        return Credentials(self.kind, self.secret, address)


def authenticate(credentials: Credentials | None) -> Principal:
    """Return the principal of `credentials`, anonymous without. Raises Unauthorized.

    A browser session without a login, or whose login has ended, is anonymous, too.
    """
    if credentials is None:
        return anonymous_principal()
    if credentials.kind == "session":
        return session_principal(credentials.secret) or anonymous_principal()
    if credentials.kind == "apikey":
        return authenticate_key(credentials.secret, credentials.address)
    return authenticate_token(credentials.secret)


def authenticate_key(key: str, address: str = "") -> Principal:
    """Return the principal of an API key. Raises Unauthorized for any other key.

    Only a key that may be in the database is looked up there. Any other may be a guess of the
    site's own key. Raises TooMany if too many of those came from `address`.
    """
    guessed = not may_be_stored(key) and authentication_settings().single_user_api_key is not None
    if guessed:
        key_attempts.check(address)
    if is_own_key(key):
        key_attempts.record_success(address)
        return SERVICE_KEY_PRINCIPAL
    found = principal_for_secret(key)
    if found is None:
        if guessed:
            key_attempts.record_failure(address, key)
        rejected_keys.note(address, key[:KEY_PREFIX_LENGTH] if may_be_stored(key) else None)
        headers = BEARER if authentication_settings().multi_user else None
        raise Unauthorized("Invalid API key", headers=headers)
    return found


def authenticate_token(token: str) -> Principal:
    """Return the principal of an access token, with its current scopes.

    Raises Unauthorized for any other token, and on a site without users for all of them.
    """
    if not authentication_settings().multi_user:
        raise invalid_token_error()
    said = read_access(token)
    state = get_account_state(said.account, session=said.session)
    if state is None:
        if said.session is not None:
            require_active(said.session)
        raise invalid_token_error()
    return state.principal(said.scopes, session=said.session, expires=said.expires)


def require_active(session: UUID) -> None:
    """Raise Unauthorized unless the session with this UUID exists and was not revoked."""
    if not Session.objects.filter(uuid=session, revoked=False).exists():
        raise session_over_error()


def is_own_key(key: str) -> bool:
    """Return whether `key` is the site-wide API key."""
    own = authentication_settings().single_user_api_key
    return own is not None and secrets.compare_digest(_bytes(key), _bytes(own))


def anonymous_principal() -> Principal:
    """Return the principal of a request without credentials: a reader on a public server."""
    return ANONYMOUS_READER if authentication_settings().allow_anonymous_access else ANONYMOUS


def parse_authorization_header(authorization: str) -> Credentials:
    """Return the credentials in an `Authorization` header.

    Raises BadRequest if the header has no scheme, or an unknown one.
    """
    scheme, _, secret = authorization.strip().partition(" ")
    if scheme.lower() == "apikey" and secret.strip():
        return Credentials("apikey", secret.strip())
    if scheme.lower() == "bearer" and secret.strip():
        return Credentials("bearer", secret.strip())
    raise BadRequest(
        "Authorization header must include the authorization type followed by a space and then "
        "the secret, as in 'Bearer SECRET' or 'Apikey SECRET'. "
    )


def _bytes(text: str) -> bytes:
    # JSON can contain lone surrogates, which UTF-8 cannot encode.
    return text.encode(errors="surrogatepass")
