"""Versions of Tiled's Python client, by its user agent, and what older ones cannot read.

Source: docs/reference/tiled-protocol/http.md, "Request headers the client sends on every call".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version
from rest_framework.request import Request

from ..lookup.embedded import Inner
from ..models import Node
from ..services.tables.columns import Column

PRODUCT = "python-tiled/"
SIZE_SINCE = (0, 2, 13)
"""Older clients make objects of assets that have no field `size`, and fail where there is one."""


@lru_cache(maxsize=64)
def client_version(user_agent: str) -> Version | None:
    """Return the version of Tiled's client; None for other programs, and what is no version."""
    if not user_agent.startswith(PRODUCT):
        return None
    try:
        return Version(user_agent.removeprefix(PRODUCT).partition(" ")[0])
    except InvalidVersion:
        return None


def knows_sizes(request: Request) -> bool:
    """Return whether the client that asks can read an asset with a field `size`."""
    return reads_sizes(request.META.get("HTTP_USER_AGENT", ""))


def reads_sizes(user_agent: str) -> bool:
    """Return whether the client with this user agent can read an asset with a field `size`."""
    version = client_version(user_agent)
    # A development version of the first with the field has it as well.
    return version is None or version.release >= SIZE_SINCE


def sources_of(node: Node | Inner | Column, *, sizes: bool) -> list[dict[str, Any]]:
    """Return the data sources of a node, whose assets have their sizes if `sizes` says so."""
    sources = [node.source.to_json()] if node.source else []
    if not sizes:
        for source in sources:
            for asset in source["assets"]:
                del asset["size"]
    return sources
