"""What is checked before a server starts, besides the settings themselves."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from .specs.registry import known_specs


@register
def validators_are_there(**_: Any) -> list[CheckMessage]:
    """Each function that `specs.validators` names can be imported."""
    try:
        known_specs()
    except ImportError as error:
        return [Error(f"specs.validators names what is not there: {error}.", id="catalog.E001")]
    return []
