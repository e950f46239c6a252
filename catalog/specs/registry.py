"""The specs that this site declares, and their validators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from django.utils.module_loading import import_string

from ..config import specs_settings
from .candidates import Validator
from .composite import check_composite

BUILT_IN: Mapping[str, Validator | None] = MappingProxyType({"composite": check_composite})


@cache
def known_specs() -> Mapping[str, Validator | None]:
    """Return the validator of each declared spec; None for specs without a validator.

    Raises ImportError if the settings name a function that cannot be imported.
    """
    declared = {
        name: import_string(path.replace(":", ".")) if path else None
        for name, path in specs_settings().validators.items()
    }
    return {**BUILT_IN, **declared}
