"""Log in with a password, and refresh tokens."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from core.errors import NotFound, Unauthorized

from ..accounts.account_state import get_account_state
from ..accounts.accounts import get_or_create_account
from ..authentication.client_address import client_address
from ..authentication.jwt_tokens import SignedToken, read_refresh, sign_access, sign_refresh
from ..config import authentication_settings
from ..models import Session
from ..unauthorized import BEARER, session_over_error
from .sessions import create_session, get_active_session, record_use

LOGIN_FAILED = "Incorrect username or password"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a login: an access token, a refresh token, and their session."""

    access: SignedToken
    refresh: SignedToken
    session: Session


def log_in(*, provider: str, username: str, password: str, request: HttpRequest) -> Tokens:
    """Begin a session with a name and a password of this site.

    Raises NotFound for a provider that has no passwords, Unauthorized, TooMany, BadRequest.
    """
    local = authentication_settings().local
    if local is None or local.provider != provider:
        raise NotFound("Not Found")
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        raise Unauthorized(LOGIN_FAILED, headers=BEARER)
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    session = create_session(
        account=get_or_create_account(user),
        provider=provider,
        identifier=user.get_username(),
        address=client_address(request),
    )
    return issue_tokens(session)


def refresh(refresh_token: str) -> Tokens:
    """Return a new pair of tokens of the same session. Raises Unauthorized."""
    session = get_active_session(read_refresh(refresh_token))
    if session is None:
        raise session_over_error()
    record_use(session)
    return issue_tokens(session)


def issue_tokens(session: Session) -> Tokens:
    """Issue a pair of tokens. Raises Unauthorized if the account is disabled."""
    state = get_account_state(session.account.uuid)
    if state is None:
        raise session_over_error()
    return Tokens(sign_access(session, state), sign_refresh(session), session)
