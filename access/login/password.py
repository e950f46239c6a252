"""From who somebody is to the tokens that they ask with."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from core.errors import NotFound, Unauthorized

from ..accounts.account_state import standing_of
from ..accounts.accounts import account_of
from ..authentication.client_address import client_address
from ..authentication.jwt_tokens import (
    BEARER,
    SESSION_OVER,
    Signed,
    read_refresh,
    sign_access,
    sign_refresh,
)
from ..config import authentication_settings
from ..models import Session
from .sessions import begin_session, find_session, touch_session

WRONG = "Incorrect username or password"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login brings: a token to ask with, and one to get others."""

    access: Signed
    refresh: Signed
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
        raise Unauthorized(WRONG, headers=BEARER)
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    session = begin_session(
        account=account_of(user),
        provider=provider,
        identifier=user.get_username(),
        address=client_address(request),
    )
    return tokens_of(session)


def refresh(refresh_token: str) -> Tokens:
    """Another pair of tokens for the same session. Raises Unauthorized."""
    session = find_session(read_refresh(refresh_token))
    if session is None:
        raise Unauthorized(SESSION_OVER, headers=BEARER)
    touch_session(session)
    return tokens_of(session)


def tokens_of(session: Session) -> Tokens:
    """A pair of tokens. Raises Unauthorized where nobody may have one."""
    standing = standing_of(session.account.uuid)
    if standing is None:
        raise Unauthorized(SESSION_OVER, headers=BEARER)
    return Tokens(sign_access(session, standing), sign_refresh(session), session)
