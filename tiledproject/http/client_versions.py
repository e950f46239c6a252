"""Tiled's Python clients that are too old for this wire, told by their user agent.

Source: the wire, "Request headers the client sends on every call".
"""

from __future__ import annotations

from packaging.version import Version

from catalog.api.client_versions import client_version

MIN_VERSION = Version("0.1.0a104")


def rejection_message(user_agent: str) -> str | None:
    """What to tell the client that says it is `user_agent`; None lets it pass."""
    version = client_version(user_agent)
    if version is None or version >= MIN_VERSION:
        return None
    return (
        f"The Python Tiled client is version {version}; this server needs {MIN_VERSION} or newer. "
        'Upgrade it: pip install --upgrade "tiled[client]".'
    )
