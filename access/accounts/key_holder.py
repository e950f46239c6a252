"""The user that the site-wide API key logs in as."""

from __future__ import annotations

from ..models import KeyHolder

ADMIN = "admin"


def get_key_holder() -> KeyHolder | None:
    """Return the user `admin`, created at the first login; None if it is disabled."""
    user = KeyHolder.objects.filter(username=ADMIN).first() or _get_or_create()
    return user if user.is_active else None


def _get_or_create() -> KeyHolder:
    user, created = KeyHolder.objects.get_or_create(
        username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user
