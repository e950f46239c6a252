"""Authentication part of the About document.

Source: docs/reference/tiled-protocol/http.md, "`GET V/` — About".
"""

from __future__ import annotations

from typing import Any

from access.config import authentication_settings
from access.providers import DjangoProvider, Provider


def authentication_block(base: str) -> dict[str, Any]:
    """Return whether credentials are required and how to get them; `base` is the API's URL."""
    settings = authentication_settings()
    return {
        "required": not settings.allow_anonymous_access,
        "providers": [_provider(base, provider) for provider in settings.providers],
        "links": _links(base) if settings.multi_user else None,
    }


def _provider(base: str, provider: Provider) -> dict[str, Any]:
    internal = isinstance(provider, DjangoProvider)
    endpoint = "token" if internal else "authorize"
    return {
        "provider": provider.provider,
        "mode": "internal" if internal else "external",
        "links": {"auth_endpoint": f"{base}/auth/provider/{provider.provider}/{endpoint}"},
        "confirmation_message": provider.confirmation_message,
        "extra_scopes": None,
    }


def _links(base: str) -> dict[str, str]:
    return {
        "whoami": f"{base}/auth/whoami",
        "apikey": f"{base}/auth/apikey",
        "refresh_session": f"{base}/auth/session/refresh",
        "revoke_session": f"{base}/auth/session/revoke/{{session_id}}",
        "logout": f"{base}/auth/logout",
    }
