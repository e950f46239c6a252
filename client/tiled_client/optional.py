"""Packages that only some data need, loaded when those data are met."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def needed(package: str, extra: str) -> Any:
    """A package that comes with an extra of this one. Raises ImportError that says which."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f'These data need the package {package}: pip install "tiled-client[{extra}]"'
        ) from error
