"""Browsing a container: pages of its children."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from access.errors import BadRequest
from access.permissions import principal_of
from access.principals import Scope
from tiled_client.wire.families import StructureFamily

from ..models import Node
from ..nodes import resolve_family
from ..visibility import visible
from .base import WireView
from .links import base_url
from .listing import Page, child_counts, sort_terms
from .resources import View, node_resource
from .responses import render

LOOKUP = "filter[lookup][condition][key]"


class SearchView(WireView):
    """The children of a container."""

    scopes = {"GET": (Scope.read_metadata,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """A page of resources, with the exact number of all in `meta.count`."""
        view, page = View.of(request), Page.of(request)
        order = sort_terms(request.query_params.getlist("sort"))
        keys = _looked_up(request)
        container = resolve_family(path, StructureFamily.container)
        children = visible(_children(container, keys), principal_of(request))
        total = children.count()
        counted = view.fields == {"count"}
        nodes = [] if counted else _page(children.order_by(*order), page, view)
        counts = (
            child_counts(nodes, principal_of(request))
            if {"structure", "count"} & view.fields
            else {}
        )
        base = base_url(request)
        return render(
            request,
            {
                "data": [node_resource(base, node, view.listed, counts) for node in nodes],
                "error": None,
                "links": page.links(f"{base}/search/{container.path}", total),
                "meta": {"count": total},
            },
            headers={"Cache-Control": "must-revalidate"},
        )


def _page(children: QuerySet[Node], page: Page, view: View) -> list[Node]:
    children = children.select_related("data_source")
    if view.data_sources:
        children = children.prefetch_related("data_source__asset_links")
    return list(children[page.offset : page.offset + page.limit])


def _looked_up(request: Request) -> list[str]:
    for name in request.query_params:
        if name.startswith("filter[") and name != LOOKUP:
            kind = name.removeprefix("filter[").partition("]")[0]
            raise BadRequest(f"The query type '{kind}' is not supported on this node.")
    return request.query_params.getlist(LOOKUP)


def _children(container: Node, keys: list[str]) -> QuerySet[Node]:
    children = Node.objects.filter(parent=container)
    for key in keys:
        # No key has a NUL, and PostgreSQL does not even let us ask.
        children = children.none() if "\0" in key else children.filter(key=key)
    return children
