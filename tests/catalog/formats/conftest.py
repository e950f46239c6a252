"""The API, and its answers whole."""

from __future__ import annotations

from ..conftest import Api, api

__all__ = ["Api", "api"]
