"""Listings, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidResponse
from ..http.client import HttpClient
from ..queries import Pairs
from ..uris import Path, query_of


def items_of(
    http: HttpClient, endpoint: str, path: Path, asked: Pairs, paging: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """All items of the listing that `paging` begins with. Raises InvalidResponse."""
    while True:
        # Of what was asked, servers repeat in their links only what concerns paging.
        page = page_of(http, endpoint, path, [*asked, *paging.items()])
        yield from page["data"]
        following = (page.get("links") or {}).get("next")
        if not following or not page["data"]:
            return
        before, paging = paging, dict(query_of(following))
        if paging == before:
            raise InvalidResponse(f"{following} leads to the same page again and again.")


def page_of(http: HttpClient, endpoint: str, path: Path, params: Pairs) -> Mapping[str, Any]:
    """One page. Raises InvalidResponse."""
    page = http.get(endpoint, path, params=params).value()
    if not isinstance(page, Mapping) or "data" not in page:
        raise InvalidResponse(f"/{'/'.join(path)} did not list its children.")
    return page
