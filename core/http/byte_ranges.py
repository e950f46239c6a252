"""Range requests and conditional requests for a file.

Source: RFC 9110, sections 13 and 14.
"""

from __future__ import annotations

import re

from django.utils.http import http_date, parse_http_date_safe
from rest_framework.request import Request

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """The requested range contains no byte of the file."""


def requested_range(request: Request, size: int, etag: str, modified: int) -> range | None:
    """Return the range of `Range`, if `If-Range` holds; None for the whole file.

    `modified` is in seconds. An invalid range, and several ranges, are ignored. Raises
    Unsatisfiable.
    """
    header = request.META.get("HTTP_RANGE")
    if header is None or not _same(request.META.get("HTTP_IF_RANGE"), etag, modified):
        return None
    return parse_range(header, size)


def parse_range(header: str, size: int) -> range | None:
    """Parse `bytes=0-9`, `bytes=5-` or `bytes=-5` of `size` bytes; None for anything else."""
    found = RANGE.fullmatch(header.strip().lower())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        wanted = range(max(size - int(found[2]), 0), size)
    else:
        last = int(found[2]) if found[2] else size - 1
        if found[2] and last < int(found[1]):
            return None
        wanted = range(int(found[1]), min(last + 1, size))
    if not wanted:
        raise Unsatisfiable
    return wanted


def is_known(request: Request, etag: str, modified: int) -> bool:
    """Return whether the client has the file, by `If-None-Match` or `If-Modified-Since`."""
    tags = request.META.get("HTTP_IF_NONE_MATCH")
    if tags is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return "*" in known or etag in known or etag.strip('"') in known
    since = parse_http_date_safe(request.META.get("HTTP_IF_MODIFIED_SINCE", ""))
    return since is not None and modified <= since


def _same(condition: str | None, etag: str, modified: int) -> bool:
    return condition is None or condition.strip() in {etag, http_date(modified)}
