"""Browsing a container: pages of its children."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from access.errors import BadRequest
from access.principals import Scope
from tiled_client.wire.families import StructureFamily

from ..models import Node
from ..nodes import resolve_family
from .base import WireView
from .links import base_url
from .listing import Page, child_counts, ordered
from .resources import View, node_resource
from .responses import render

LOOKUP = "filter[lookup][condition][key]"


class SearchView(WireView):
    """The children of a container."""

    scopes = {"GET": (Scope.read_metadata,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """A page of resources, with the exact number of all in `meta.count`."""
        container = resolve_family(path, StructureFamily.container)
        view, page = View.of(request), Page.of(request)
        children = _filtered(request, container)
        total = children.count()
        found = ordered(children, request.query_params.getlist("sort"))
        nodes = [] if view.fields == {"count"} else _page(found, page)
        counts = child_counts(nodes) if {"structure", "count"} & view.fields else {}
        base = base_url(request)
        return render(
            request,
            {
                "data": [node_resource(base, node, view, counts) for node in nodes],
                "error": None,
                "links": page.links(f"{base}/search/{container.path}", total),
                "meta": {"count": total},
            },
            headers={"Cache-Control": "must-revalidate"},
        )


def _page(children: QuerySet[Node], page: Page) -> list[Node]:
    return list(children.select_related("data_source")[page.offset : page.offset + page.limit])


def _filtered(request: Request, container: Node) -> QuerySet[Node]:
    for name in request.query_params:
        if name.startswith("filter[") and name != LOOKUP:
            kind = name.removeprefix("filter[").partition("]")[0]
            raise BadRequest(f"The query type '{kind}' is not supported on this node.")
    children = Node.objects.filter(parent=container)
    for key in request.query_params.getlist(LOOKUP):
        children = children.filter(key=key)
    return children
