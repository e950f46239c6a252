"""Optional dependencies, imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require_package(package: str, extra: str, *, subject: str = "These data") -> Any:
    """Import a package of an extra of this distribution.

    Parameters
    ----------
    package
        The name of the package.
    extra
        The extra that installs it.
    subject
        What requires it, in the plural, for the message.

    Raises
    ------
    ImportError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f'{subject} require the package {package}: pip install "tiled-client[{extra}]"'
        ) from error


def require_pyarrow() -> Any:
    """Import pyarrow with its IPC module. Raises ImportError with the command that installs it."""
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise ImportError(
            'Tables need pandas and pyarrow: pip install "tiled-client[tables]"'
        ) from error
    return pyarrow
