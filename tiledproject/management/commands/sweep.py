"""`manage.py sweep`: alias of `manage.py cleanup`."""

from __future__ import annotations

from .cleanup import Command

__all__ = ["Command"]
