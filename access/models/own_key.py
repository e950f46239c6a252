"""The user that the site-wide API key logs in as."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.utils.crypto import salted_hmac

from ..config import authentication_settings


class KeyHolder(User):
    """A user who logged in with the site-wide key; the session ends when the key changes."""

    class Meta:
        proxy = True
        default_permissions = ()

    def get_session_auth_hash(self) -> str:
        """Return a digest of the password and the site-wide key; the session ends if it changes."""
        own = authentication_settings().single_user_api_key or ""
        return _digest(super().get_session_auth_hash(), own)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield that digest for each previous secret key."""
        own = authentication_settings().single_user_api_key or ""
        for known in super().get_session_auth_fallback_hash():
            yield _digest(known, own)


def _digest(known: str, own: str) -> str:
    return salted_hmac("access.models.own_key", f"{known} {own}", algorithm="sha256").hexdigest()
