"""Optional dependencies, imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require_package(package: str, extra: str) -> Any:
    """Import a package of an extra of this distribution.

    Raises
    ------
    ImportError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f'These data require the package {package}: pip install "tiled-client[{extra}]"'
        ) from error
