"""Logging in to the admin with the site's own API key."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from .credentials import is_own_key

ADMIN = "admin"


class ApiKeyBackend(BaseBackend):
    """Whoever knows the site's own API key may log in as `admin`, with the key as the password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        **credentials: Any,
    ) -> User | None:
        """The admin user, made when first asked for; None for others, and for one who is barred."""
        password = credentials.get("password")
        if credentials.get("username") != ADMIN or not password or not is_own_key(password):
            return None
        user, created = User.objects.get_or_create(
            username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
        )
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        return user if user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The user of this session; None once they are barred."""
        return User.objects.filter(pk=user_id, is_active=True).first()
