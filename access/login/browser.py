"""Log a browser in and out: with an API key, with a password, or for an identity provider.

A login replaces the session and its key, so that a cookie that was planted before the login is
invalid afterwards (session fixation).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import authenticate as check_password
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.http import url_has_allowed_host_and_scheme

from core.audit import audit
from core.errors import NotFound, Unauthorized

from ..accounts.key_holder import ADMIN, get_key_holder
from ..authentication.browser_logins import KEY_BACKEND, PASSWORD_BACKEND, key_login
from ..authentication.client_address import client_address
from ..authentication.credentials import Credentials, authenticate, authenticate_key
from ..authentication.drf import KEY_COOKIE
from ..authentication.session_cookie import session_credentials
from ..browser_sessions import KEY_LOGIN
from ..config import authentication_settings
from ..models import ApiKey
from ..principals import Principal, principal_name

MAX_KEY_LENGTH = 4096
KEY_REFUSED = "This API key is not valid here. It may be mistyped, revoked or expired."
PASSWORD_REFUSED = "Incorrect user name or password."  # noqa: S105


@dataclass(frozen=True, slots=True)
class CurrentLogin:
    """The principal of a browser, and its name for display; empty if it is not logged in."""

    principal: Principal
    name: str


def current_login(request: HttpRequest) -> CurrentLogin:
    """Return the login of the browser: the one that the API finds in its cookies.

    Raises Unauthorized for a wrong key in the cookie of a key, and TooMany.
    """
    if key := request.COOKIES.get(KEY_COOKIE):
        shown: Credentials | None = Credentials("apikey", key, client_address(request))
    else:
        shown = session_credentials(request)
    principal = authenticate(shown)
    return CurrentLogin(principal, _display_name(request, principal))


def log_in_with_key(request: HttpRequest, key: str) -> None:
    """Log in with an API key, of the site or of an account. Raises Unauthorized and TooMany."""
    key = key.strip()
    if not key or len(key) > MAX_KEY_LENGTH:
        raise Unauthorized(KEY_REFUSED)
    try:
        principal = authenticate_key(key, client_address(request))
    except Unauthorized as error:
        audit("login_failed", method="api_key")
        raise Unauthorized(KEY_REFUSED) from error
    if principal.key_id is None:
        holder = get_key_holder()
        if holder is None:
            raise Unauthorized(f"The user {ADMIN}, which this key logs in as, is disabled.")
        log_in_user(request, holder, backend=KEY_BACKEND)
        return
    stored = ApiKey.objects.filter(pk=principal.key_id).values_list("hashed_secret", flat=True)
    digest = stored.first()
    if digest is None:  # revoked just now
        raise Unauthorized(KEY_REFUSED)
    request.session.flush()
    audit("login", principal=principal_name(principal), method="api_key")
    request.session[KEY_LOGIN] = key_login(principal.key_id, digest)
    rotate_token(request)


def log_in_with_password(request: HttpRequest, username: str, password: str) -> None:
    """Log in a user of this site. Raises NotFound without such users, Unauthorized, TooMany."""
    if authentication_settings().local is None:
        raise NotFound("This site has no users with passwords.")
    user = check_password(request, username=username, password=password)
    if not isinstance(user, User):
        raise Unauthorized(PASSWORD_REFUSED)
    log_in_user(request, user)


def log_in_user(request: HttpRequest, user: User, *, backend: str = PASSWORD_BACKEND) -> None:
    """Begin a session of a user who was authenticated."""
    request.session.flush()
    login(request, user, backend=backend)


def log_out(request: HttpRequest) -> None:
    """End the session, and close the WebSockets that were opened with it."""
    logout(request)


def of_this_site(request: HttpRequest, address: str, default: str) -> str:
    """Return `address` if it is a safe redirect within this site, else `default`."""
    allowed = url_has_allowed_host_and_scheme(
        address, {request.get_host()}, require_https=request.is_secure()
    )
    return address if allowed else default


def _display_name(request: HttpRequest, principal: Principal) -> str:
    user = next((name for name in principal.names if name.startswith("user:")), None)
    if user is not None:
        return user.removeprefix("user:")
    if principal.key_id is not None:
        key = ApiKey.objects.filter(pk=principal.key_id).first()
        return "" if key is None else key.note or f"API key {key.first_eight}"
    if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
        return str(request.user.get_username())
    return "" if principal.anonymous else "API key"
