"""`manage.py principal`: alias of `manage.py account`."""

from __future__ import annotations

from .account import Command

__all__ = ["Command"]
