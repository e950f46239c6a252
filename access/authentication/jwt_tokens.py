"""Access and refresh tokens: JSON Web Tokens, signed and not encrypted.

The first configured secret signs, all of them verify. A token contains its type, and is valid only
as that type. Source: docs/reference/tiled-protocol/http.md, "Login".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils.crypto import salted_hmac

from core.errors import Unauthorized

from ..accounts.account_state import AccountState
from ..config import authentication_settings
from ..models import Session
from ..unauthorized import BEARER, EXPIRED, invalid_token_error, session_over_error

ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Claims of a valid access token."""

    account: UUID
    session: UUID | None
    scopes: frozenset[str]
    expires: datetime


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token, and its lifetime in seconds."""

    token: str
    seconds: float


def sign_access(session: Session, state: AccountState) -> SignedToken:
    """Create an access token with all scopes of the account."""
    expires = _end(session, authentication_settings().access_token_max_age)
    claims = {
        "sub": state.uuid.hex,
        "sub_typ": state.kind.value,
        "scp": sorted(state.scopes),
        "state": session.state,
        "ids": [{"id": session.identifier, "idp": session.provider}],
        "sid": session.uuid.hex,
    }
    return _sign("access", claims, expires)


def sign_refresh(session: Session) -> SignedToken:
    """Create a refresh token."""
    expires = _end(session, authentication_settings().refresh_token_max_age)
    return _sign("refresh", {"sid": session.uuid.hex}, expires)


def read_access(token: str) -> AccessClaims:
    """Return the claims of an access token. Raises Unauthorized."""
    try:
        claims = _claims(token, "access")
    except jwt.ExpiredSignatureError:
        raise Unauthorized(EXPIRED, headers=BEARER) from None
    try:
        return AccessClaims(
            account=UUID(claims["sub"]),
            session=UUID(claims["sid"]) if "sid" in claims else None,
            scopes=frozenset(claims["scp"]),
            expires=datetime.fromtimestamp(claims["exp"], UTC),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise invalid_token_error() from None


def read_refresh(token: str, *, expired: bool = False) -> UUID:
    """Return the session of a refresh token; `expired` accepts expired tokens, too.

    Raises Unauthorized.
    """
    try:
        return UUID(_claims(token, "refresh", expired=expired)["sid"])
    except jwt.ExpiredSignatureError:
        raise session_over_error() from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise invalid_token_error() from None


def _claims(token: str, kind: str, *, expired: bool = False) -> dict[str, Any]:
    options: Any = {"require": ["exp", "type"], "verify_exp": not expired}
    for secret in _secrets():
        try:
            claims = jwt.decode(token, secret, algorithms=[ALGORITHM], options=options)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            # A token of the wrong type is invalid, whether or not it has expired.
            if _claims(token, kind, expired=True):
                raise
        except (jwt.InvalidTokenError, ValueError):
            break
        else:
            if claims["type"] != kind:
                break
            return claims
    raise invalid_token_error()


def _sign(kind: str, claims: dict[str, Any], expires: datetime) -> SignedToken:
    token = jwt.encode({**claims, "type": kind, "exp": expires}, _secrets()[0], ALGORITHM)
    return SignedToken(token, round((expires - datetime.now(UTC)).total_seconds(), 3))


def _end(session: Session, seconds: int) -> datetime:
    return min(datetime.now(UTC) + timedelta(seconds=seconds), session.expires)


def _secrets() -> list[str]:
    chosen = [key.get_secret_value() for key in authentication_settings().secret_keys]
    return chosen or [salted_hmac("access.tokens", b"", settings.SECRET_KEY).hexdigest()]
