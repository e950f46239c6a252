"""Paginated listings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ..errors import InvalidResponse
from ..http.request_client import RequestClient
from ..query_base import Pairs
from ..uris import Path, query_of

Items = Sequence[Mapping[str, Any]]


async def fetch_pages(
    requests: RequestClient, endpoint: str, path: Path, params: Pairs, paging: Mapping[str, str]
) -> AsyncIterator[Items]:
    """Yield the items of each page of a listing; `paging` are the parameters of the first page.

    Raises InvalidResponse.
    """
    while True:
        # Links to the next page have its paging parameters, but not those of filters and sorting.
        page = await fetch_page(requests, endpoint, path, [*params, *paging.items()])
        yield page["data"]
        link = (page.get("links") or {}).get("next")
        if not link or not page["data"]:
            return
        before, paging = paging, dict(query_of(link))
        if paging == before:
            raise InvalidResponse(f"The next page of {link} is the same page again.")


async def fetch_page(
    requests: RequestClient, endpoint: str, path: Path, params: Pairs
) -> Mapping[str, Any]:
    """Return one page. Raises InvalidResponse."""
    page = (await requests.get(endpoint, path, params=params)).value()
    if not isinstance(page, Mapping) or "data" not in page:
        raise InvalidResponse(f"The server sent no listing of /{'/'.join(path)}.")
    return page
