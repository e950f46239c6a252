"""Deprecated: the errors are in `core.errors`; extensions import from `tiledproject.plugins`.

Kept for one release, because the documentation named this module.
"""

from __future__ import annotations

import warnings
from typing import Any

from core import errors


def __getattr__(name: str) -> Any:
    found = getattr(errors, name)
    warnings.warn(
        f"access.errors.{name} has moved: import it from tiledproject.plugins.",
        DeprecationWarning,
        stacklevel=2,
    )
    return found
