"""Search the children of a container, or all its descendants.

Source: docs/reference/tiled-protocol/http.md, "Search".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from access.api.permissions import principal_of
from access.principals import Scope
from core.bounds import bounds
from core.errors import BadRequest
from core.http.requests import integer
from core.http.responses import render
from core.http.urls import base_url
from tiled_client.wire.structure_family import StructureFamily

from ...lookup.embedded import group_of, resolve_any
from ...lookup.nodes import filter_descendants, within_depth
from ...models import Node
from ...permissions.visibility import filter_visible
from ...queries import replicas
from ...queries.deadlines import statement_deadline
from ...queries.filters import apply_filters, implies_parent
from ...queries.order import Order
from ...queries.pages import FoundPage, find_page, load, truncate_page
from ..views import NodeView
from . import embedded_listing
from .filter_params import filters_of
from .links import quoted
from .pagination import Page, child_counts
from .resources import ResourceOptions, listed_resource

MAX_SEARCH_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Listing:
    """The page, order and resource options of a search."""

    page: Page
    order: Order
    options: ResourceOptions


class SearchView(NodeView):
    """The children of a container."""

    scopes = {"GET": (Scope.read_metadata,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return a page of resources, with their exact number in `meta.count`."""
        options, page = ResourceOptions.from_request(request), Page.from_request(request)
        order, filters = _order(request), filters_of(request)
        container = resolve_any(path, StructureFamily.container)
        group = group_of(container)
        if group is not None:
            return embedded_listing.listing(request, group, order, filters)
        assert isinstance(container, Node)
        seen = filter_visible(Node.objects.all(), principal_of(request))
        found = apply_filters(seen.filter(parent=container), filters, parent=container.pk)
        # The full-text index includes the parent: without a second condition on it, counting
        # is twice as fast.
        counted = (
            apply_filters(seen, filters, parent=container.pk) if implies_parent(filters) else None
        )
        cached = any(one.kind == "lookup" for one in filters)
        headers = {} if cached else {"Cache-Control": "must-revalidate"}
        address = f"search/{container.path}"
        listing = Listing(page, order, options)
        return _answer(request, address, found, listing, headers, counted=counted)


class DeepSearchView(NodeView):
    """All descendants of a container."""

    scopes = {"GET": (Scope.read_metadata,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return a page of resources; `ancestors` of each has the path of its parent."""
        if any(request.query_params.getlist("sort")):
            raise BadRequest("Sorting is not supported for deep search.")
        depth = integer(request, "max_depth", low=1, high=MAX_SEARCH_DEPTH)
        options, page = (
            ResourceOptions.from_request(request, depth_checked=True),
            Page.from_request(request),
        )
        filters = filters_of(request)
        container = resolve_any(path, StructureFamily.container)
        if group_of(container) is not None:
            raise BadRequest("This Tree does not support deep search.")
        assert isinstance(container, Node)
        nodes = filter_descendants(Node.objects.all(), container.path)
        if depth is not None:
            nodes = within_depth(nodes, container.path, depth)
        found = apply_filters(filter_visible(nodes, principal_of(request)), filters)
        headers = {"Cache-Control": "must-revalidate"}
        address = f"search-deep/{container.path}"
        return _answer(request, address, found, Listing(page, Order(), options), headers)


def _order(request: Request) -> Order:
    order = Order.parse(request.query_params.getlist("sort"))
    if not order.by_creation and "page[cursor]" in request.query_params:
        raise BadRequest(
            "page[cursor] is a position in the order of creation; with another sort, use "
            "page[offset]."
        )
    return order


def _answer(
    request: Request,
    address: str,
    nodes: QuerySet[Node],
    listing: Listing,
    headers: dict[str, str],
    *,
    counted: QuerySet[Node] | None = None,
) -> HttpResponse:
    base = base_url(request)

    def find() -> tuple[FoundPage, list[Node], dict[int, int]]:
        with statement_deadline(workers=counted is None):
            found = _found(nodes.all(), listing, None if counted is None else counted.all())
            found = truncate_page(found, bounds().listing, assets=listing.options.data_sources)
            loaded = load(found.ids, assets=listing.options.data_sources) if found.ids else []
            return found, loaded, _counts(request, loaded, listing.options)

    found, loaded, counts = replicas.search(find)
    options = listing.options.listed
    body: dict[str, Any] = {
        "data": [listed_resource(base, node, options, counts) for node in loaded],
        "error": None,
        "links": listing.page.cursor_links(f"{base}/{quoted(address)}", found, listing.order),
        "meta": {"count": found.total},
    }
    return render(request, body, headers=headers)


def _found(nodes: QuerySet[Node], listing: Listing, counted: QuerySet[Node] | None) -> FoundPage:
    page = listing.page
    limit = 0 if listing.options.fields == {"count"} else page.limit
    try:
        return find_page(
            nodes,
            listing.order,
            limit=limit,
            offset=page.offset,
            cursor=page.cursor,
            counted=counted,
        )
    except DataError as error:
        # The database may reject a regular expression that RE2 accepts.
        raise BadRequest(f"The database cannot answer this: {error}") from error


def _counts(request: Request, nodes: list[Node], options: ResourceOptions) -> dict[int, int]:
    counted = {"structure", "count"} & options.fields
    return child_counts(nodes, principal_of(request)) if counted else {}
