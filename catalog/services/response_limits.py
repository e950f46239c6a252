"""Limit of the size of a response: the setting `storage.response_bytesize_limit`."""

from __future__ import annotations

from core.errors import BadRequest

from ..config import storage_settings


def check_response_bytes(size: float, hint: str) -> None:
    """Raise BadRequest for a response of `size` bytes above the limit; `hint` is the remedy."""
    limit = storage_settings().response_bytesize_limit
    if size > limit:
        raise BadRequest(f"Response would exceed {limit}. {hint}")
