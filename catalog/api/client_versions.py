"""Compatibility with older versions of Tiled's Python client, detected by the user agent.

Source: docs/reference/tiled-protocol/http.md, "Request headers the client sends on every call".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version
from rest_framework.request import Request

from ..lookup.embedded import EmbeddedNode
from ..models import Node
from ..services.tables.columns import Column

PRODUCT = "python-tiled/"
SIZE_SINCE = (0, 2, 13)
"""Older clients reject assets with a field `size`."""


@lru_cache(maxsize=64)
def client_version(user_agent: str) -> Version | None:
    """Return the version of Tiled's client; None for other clients and malformed versions."""
    if not user_agent.startswith(PRODUCT):
        return None
    try:
        return Version(user_agent.removeprefix(PRODUCT).partition(" ")[0])
    except InvalidVersion:
        return None


def knows_sizes(request: Request) -> bool:
    """Return whether the client can read an asset with a field `size`."""
    return reads_sizes(request.META.get("HTTP_USER_AGENT", ""))


def reads_sizes(user_agent: str) -> bool:
    """Return whether the client with this user agent can read an asset with a field `size`."""
    version = client_version(user_agent)
    # Development versions of the first release with the field count as that release.
    return version is None or version.release >= SIZE_SINCE


def sources_of(node: Node | EmbeddedNode | Column, *, sizes: bool) -> list[dict[str, Any]]:
    """Return the data sources of a node; their assets have the field `size` if `sizes` is true."""
    sources = [node.source.to_json()] if node.source else []
    if isinstance(node, Node) and node.source:
        sources += node.source.further or []
    if not sizes:
        for source in sources:
            for asset in source["assets"]:
                del asset["size"]
    return sources
