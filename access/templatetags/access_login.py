"""How one may log in to the pages of this site."""

from __future__ import annotations

from typing import Any

from django import template

from ..config import authentication_settings
from ..providers import OidcProvider

register = template.Library()


@register.simple_tag
def login_methods() -> dict[str, Any]:
    """Whether the site's own key opens them, and where one may log in with a browser."""
    settings = authentication_settings()
    browsed = [p.provider for p in settings.providers if isinstance(p, OidcProvider)]
    return {"own_key": not settings.multi_user, "providers": browsed}
