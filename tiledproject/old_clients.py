"""Tiled's Python clients that are too old for this wire, told by their user agent.

Source: the wire, "Request headers the client sends on every call".
"""

from __future__ import annotations

from functools import lru_cache

from packaging.version import InvalidVersion, Version

PRODUCT = "python-tiled/"
OLDEST = Version("0.1.0a104")


@lru_cache(maxsize=64)
def refusal(user_agent: str) -> str | None:
    """What to tell the client that says it is `user_agent`; None lets it pass."""
    if not user_agent.startswith(PRODUCT):
        return None
    said = user_agent.removeprefix(PRODUCT).partition(" ")[0]
    try:
        version = Version(said)
    except InvalidVersion:
        return None
    if version >= OLDEST:
        return None
    return (
        f"Python Tiled client reports version {said}, and this server needs {OLDEST} or newer. "
        'Bring it up to date: pip install --upgrade "tiled[client]".'
    )
