"""Paginated listings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import InvalidResponse
from ..http.client import HttpClient
from ..queries import Pairs
from ..uris import Path, query_of


def fetch_items(
    http: HttpClient, endpoint: str, path: Path, params: Pairs, paging: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a listing, page by page; `paging` are the parameters of the first page.

    Raises InvalidResponse.
    """
    while True:
        # Links to the next page have its paging parameters, but not those of filters and sorting.
        page = fetch_page(http, endpoint, path, [*params, *paging.items()])
        yield from page["data"]
        link = (page.get("links") or {}).get("next")
        if not link or not page["data"]:
            return
        before, paging = paging, dict(query_of(link))
        if paging == before:
            raise InvalidResponse(f"The next page of {link} is the same page again.")


def fetch_page(http: HttpClient, endpoint: str, path: Path, params: Pairs) -> Mapping[str, Any]:
    """Return one page. Raises InvalidResponse."""
    page = http.get(endpoint, path, params=params).value()
    if not isinstance(page, Mapping) or "data" not in page:
        raise InvalidResponse(f"The server sent no listing of /{'/'.join(path)}.")
    return page
