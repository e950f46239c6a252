"""The API of a catalog."""

from __future__ import annotations

from ..conftest import Api, api

__all__ = ["Api", "api"]
