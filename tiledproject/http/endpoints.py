"""The endpoint that a request addresses, by a name without the path of a node.

It is a label of metrics and an attribute of traces, so there are few of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

UNKNOWN = "unknown"
API = "api/v1/"
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()\[]|\[[^]]*\])*\)")
CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


def endpoint_of(match: Any) -> str:
    """Return the endpoint of Django's `ResolverMatch`; `unknown` without one."""
    return UNKNOWN if match is None else endpoint_of_route(match.route)


@lru_cache(maxsize=512)
def endpoint_of_route(route: str) -> str:
    """Return the endpoint of a route: `array/full` for the route of `/api/v1/array/full/{path}`.

    Below the API it is the route, else the first part of it.
    """
    text = CONVERTER.sub(r"{\1}", GROUP.sub(r"{\1}", route))
    if not text.startswith(API):
        return re.sub(r"\W.*", "", text) or "landing"
    rest = text.removeprefix(API)
    if rest == "$":
        return "about"
    if "(" in rest:
        return UNKNOWN  # The addresses without a slash at their end, which only redirect.
    return re.sub(r"\\Z|\$", "", rest).removesuffix("/{path}") or UNKNOWN
