"""Template tags of the login pages."""

from __future__ import annotations

from typing import Any

from django import template

from ..config import authentication_settings
from ..providers import OidcProvider

register = template.Library()


@register.simple_tag
def login_methods() -> dict[str, Any]:
    """Return whether the site-wide key can log in, and the providers of browser logins."""
    settings = authentication_settings()
    browsed = [p.provider for p in settings.providers if isinstance(p, OidcProvider)]
    return {"own_key": not settings.multi_user, "providers": browsed}
