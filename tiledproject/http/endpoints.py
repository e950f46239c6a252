"""The endpoint that a request addresses, by a name without the path of a node.

It is a label of metrics and an attribute of traces, so there are few of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .routes import route_name

UNKNOWN = "unknown"
API = "api/v1/"
ABOUT_ROUTE = f"{API}$"


def endpoint_of(match: Any) -> str:
    """Return the endpoint of Django's `ResolverMatch`; `unknown` without one."""
    return UNKNOWN if match is None else _endpoint_of_route(match.route)


@lru_cache(maxsize=512)
def _endpoint_of_route(route: str) -> str:
    """Return the name of a route below the API, such as `array/full`, and of others the first part.

    An address without the slash at its end only redirects, and one that does not exist has the
    empty route.
    """
    if route == ABOUT_ROUTE:
        return "about"
    name = route_name(route)
    if not name.startswith(API):
        return re.sub(r"\W.*", "", name) or "landing"
    name = name.removeprefix(API).removesuffix("/{path}")
    return UNKNOWN if "(" in name or not name else name
