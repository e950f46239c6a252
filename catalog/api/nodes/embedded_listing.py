"""Listings of a group in a file: pages of its entries, in the order of the file.

Broken links and other entries that cannot be described are listed and counted too: `meta` has the
problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from core.bounds import bounds
from core.errors import BadRequest
from core.http.responses import json_bytes, render
from core.http.urls import base_url

from ...lookup.embedded import Group
from ...queries.filters import Filter
from ...queries.order import Order
from ...storage.external import Tree
from .links import quoted, self_link
from .pagination import Page
from .resources import ResourceOptions, listed_resource


def listing(
    request: Request, group: Group, order: Order, filters: Sequence[Filter]
) -> HttpResponse:
    """Return a page of the entries of a group, with their exact number in `meta.count`.

    Raises BadRequest for sorting, and for filters other than those by key.
    """
    options, page = ResourceOptions.from_request(request).listed, Page.from_request(request)
    wanted = _wanted(order, filters)
    start = page.offset if page.cursor is None else page.cursor
    with group.open() as tree:
        names = [name for name in tree.names(group.keys) if wanted(name)]
        ordered = names[::-1] if order.newest_first else names
        shown = [] if options.fields == {"count"} else ordered[start : start + page.limit]
        data = _fitting(_items(request, group, tree, shown, options))
    address = f"{base_url(request)}/search/{quoted(group.path)}"
    shorter = {"after": start + len(data)} if len(data) < len(shown) else {}
    links = replace(page, offset=start, cursor=None).links(address, len(names), **shorter)
    body = {"data": data, "error": None, "links": links, "meta": {"count": len(names)}}
    return render(request, body, headers={"Cache-Control": "must-revalidate"})


def _fitting(items: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first entries that fit into one page (bounds.listing), at least one."""
    found: list[dict[str, Any]] = []
    size = 0
    for item in items:
        size += len(json_bytes(item))
        if size > bounds().listing and found:
            break
        found.append(item)
    return found


def _items(
    request: Request, group: Group, tree: Tree, names: list[str], options: ResourceOptions
) -> Iterator[dict[str, Any]]:
    base = base_url(request)
    for name in names:
        if options.fields:
            yield listed_resource(base, group.child(tree, name), options, {})
        else:
            yield _key_only(base, group, (*group.keys, name), options)


def _key_only(
    base: str, group: Group, keys: tuple[str, ...], options: ResourceOptions
) -> dict[str, Any]:
    segments = [*group.host.segments, *keys]
    nothing = dict.fromkeys(
        ("structure_family", "specs", "metadata", "structure", "access_tags", "sorting")
    )
    links = {"self": self_link(base, "/".join(segments))} if options.links else None
    attributes = {"ancestors": segments[:-1], **nothing, "data_sources": None}
    return {"id": keys[-1], "attributes": attributes, "links": links, "meta": None}


def _wanted(order: Order, filters: Sequence[Filter]) -> Callable[[str], bool]:
    """Return a predicate for the keys that match the filters by key."""
    if order.terms:
        raise BadRequest("Nodes inside a file cannot be sorted: omit 'sort', or send 'sort=-'.")
    odd = [one.kind for one in filters if one.kind not in _KEYS]
    if odd:
        raise BadRequest(f"The query type '{odd[0]}' is not supported on this node.")
    sets = [set(_KEYS[one.kind](one.values)) for one in filters]
    return lambda name: all(name in keys for keys in sets)


_KEYS: Mapping[str, Callable[[dict[str, Any]], list[str]]] = {
    "lookup": lambda values: [values["key"]],
    "keys_filter": lambda values: values["keys"],
}
