"""Django system checks that run before a server starts, besides those of the settings."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from .specs.registry import known_specs

SITE = "site"
"""Tag of checks that depend on the site, and not on the code alone."""


@register(SITE)
def check_validators(**_: Any) -> list[CheckMessage]:
    """Each function that `specs.validators` names can be imported."""
    try:
        known_specs()
    except ImportError as error:
        return [
            Error(
                f"specs.validators names a function that cannot be imported: {error}.",
                id="catalog.E001",
            )
        ]
    return []
