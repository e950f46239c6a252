"""Authentication backends: a user's password, or the site-wide API key.

A browser session that the site-wide key opened ends when that key changes, and is invalid on a site
with users.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from .accounts.key_holder import ADMIN, get_key_holder
from .authentication.client_address import client_address
from .authentication.credentials import is_own_key
from .authentication.throttling import count_login_attempt, reset_login_attempts
from .config import authentication_settings
from .models import KeyHolder

MAX_USERNAME_LENGTH = 150
MAX_PASSWORD_LENGTH = 4096


class ApiKeyBackend(BaseBackend):
    """Login as `admin` with the site-wide API key as the password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        **credentials: Any,
    ) -> User | None:
        """Return the admin user, created at the first login; None for other or disabled users."""
        password = credentials.get("password")
        if (
            credentials.get("username") != ADMIN
            or not password
            or authentication_settings().multi_user
        ):
            return None
        if not is_own_key(password):
            return None
        # Guesses are counted by PasswordBackend, which comes before this one.
        reset_login_attempts(ADMIN, client_address(request))
        return get_key_holder()

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session; None if disabled, or if there is no site-wide key."""
        if authentication_settings().multi_user:
            return None
        return KeyHolder.objects.filter(pk=user_id, is_active=True).first()


class PasswordBackend(ModelBackend):
    """Login with a user's password; failed attempts are throttled."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> Any:
        """Return the user; None for a wrong name or password. Raises TooMany."""
        if username is None or password is None:
            return None
        if (
            "\0" in username
            or len(username) > MAX_USERNAME_LENGTH
            or len(password) > MAX_PASSWORD_LENGTH
        ):
            return None
        address = client_address(request)
        count_login_attempt(username, address)
        user = super().authenticate(request, username, password)
        if user is not None:
            reset_login_attempts(username, address)
        return user
