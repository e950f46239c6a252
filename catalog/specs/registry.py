"""Which specs this site knows, and which function checks each."""

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
    """The validator of each spec that this site has declared; None where anything goes.

    Raises ImportError where the settings name a function that is not there.
    """
    declared = {
        name: import_string(path.replace(":", ".")) if path else None
        for name, path in specs_settings().validators.items()
    }
    return {**BUILT_IN, **declared}
