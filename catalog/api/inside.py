"""Browsing what is inside a file: pages of what a group holds, in the order of the file.

Keys of broken links, and of what cannot be read, are listed and counted; only where more than the
keys is asked for, such entries are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from access.errors import BadRequest

from ..bounds import bounds
from ..inner import Group, Inner
from ..queries.filters import Filter
from ..queries.order import Order
from ..storage.errors import StorageError
from ..storage.external import Tree
from .links import base_url, quoted, self_link
from .listing import Page
from .resources import View, node_resource
from .responses import json_bytes, render


def listing(
    request: Request, group: Group, order: Order, filters: Sequence[Filter]
) -> HttpResponse:
    """A page of what a group holds, with the exact number of all in `meta.count`.

    Raises BadRequest for what cannot be asked of a file.
    """
    view, page = View.of(request).listed, Page.of(request)
    wanted = _wanted(order, filters)
    start = page.offset if page.cursor is None else page.cursor
    with group.opened() as tree:
        names = [name for name in tree.names(group.keys) if wanted(name)]
        ordered = names[::-1] if order.newest_first else names
        shown = [] if view.fields == {"count"} else ordered[start : start + page.limit]
        data, taken = _fitting(_items(request, group, tree, shown, view))
    address = f"{base_url(request)}/search/{quoted(group.path)}"
    shorter = {"after": start + taken} if taken < len(shown) else {}
    links = replace(page, offset=start, cursor=None).links(address, len(names), **shorter)
    body = {"data": data, "error": None, "links": links, "meta": {"count": len(names)}}
    return render(request, body, headers={"Cache-Control": "must-revalidate"})


def _fitting(items: Iterator[dict[str, Any] | None]) -> tuple[list[dict[str, Any]], int]:
    """The first entries, as many as one page may hold in bytes, and for how many names these are.

    None stands for one that is left out.
    """
    found: list[dict[str, Any]] = []
    size = taken = 0
    for item in items:
        size += 0 if item is None else len(json_bytes(item))
        if size > bounds().listing and found:
            break
        taken += 1
        if item is not None:
            found.append(item)
    return found, taken


def _items(
    request: Request, group: Group, tree: Tree, names: list[str], view: View
) -> Iterator[dict[str, Any] | None]:
    base = base_url(request)
    for name in names:
        keys = (*group.keys, name)
        if not view.fields:
            yield _key_only(base, group, keys, view)
            continue
        try:
            entry = tree.entry(keys)
        except StorageError:
            yield None
            continue
        yield node_resource(base, Inner(group.host, keys, entry), view, {})


def _key_only(base: str, group: Group, keys: tuple[str, ...], view: View) -> dict[str, Any]:
    segments = [*group.host.segments, *keys]
    nothing = dict.fromkeys(
        ("structure_family", "specs", "metadata", "structure", "access_tags", "sorting")
    )
    links = {"self": self_link(base, "/".join(segments))} if view.links else None
    attributes = {"ancestors": segments[:-1], **nothing, "data_sources": None}
    return {"id": keys[-1], "attributes": attributes, "links": links, "meta": None}


def _wanted(order: Order, filters: Sequence[Filter]) -> Callable[[str], bool]:
    """What the filters by key let through."""
    if order.terms:
        raise BadRequest("What is inside a file cannot be sorted: leave out 'sort', or say '-'.")
    odd = [one.kind for one in filters if one.kind not in _KEYS]
    if odd:
        raise BadRequest(f"The query type '{odd[0]}' is not supported on this node.")
    sets = [set(_KEYS[one.kind](one.values)) for one in filters]
    return lambda name: all(name in keys for keys in sets)


_KEYS: Mapping[str, Callable[[dict[str, Any]], list[str]]] = {
    "lookup": lambda values: [values["key"]],
    "keys_filter": lambda values: values["keys"],
}
