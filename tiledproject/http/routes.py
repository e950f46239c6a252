"""Names of routes for logs: the pattern of an address, with its parameters in braces."""

from __future__ import annotations

import re
from functools import lru_cache

CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\)")
ANCHORS = re.compile(r"\\Z|[\^$]")


@lru_cache(maxsize=512)
def route_name(pattern: str) -> str:
    """Return a pattern of Django, such as `metadata/(?P<path>.*)$`, as `metadata/{path}`."""
    return ANCHORS.sub("", CONVERTER.sub(r"{\1}", GROUP.sub(r"{\1}", pattern)))
