"""Reject Tiled's Python clients that are too old, by their user agent.

Source: docs/reference/tiled-protocol/http.md, "Request headers the client sends on every call".
"""

from __future__ import annotations

from packaging.version import Version

from catalog.api.client_versions import client_version

MIN_VERSION = Version("0.1.0a104")


def rejection_message(user_agent: str) -> str | None:
    """Return the error message for a client that is too old, or None."""
    version = client_version(user_agent)
    if version is None or version >= MIN_VERSION:
        return None
    return (
        f"The Python Tiled client is version {version}; this server needs {MIN_VERSION} or newer. "
        'Upgrade it: pip install --upgrade "tiled[client]".'
    )
