"""Whole containers over HTTP.

Source: docs/reference/tiled-protocol/http.md, "Container export and composites".
"""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.errors import Invalid
from access.api.permissions import principal_of
from access.principals import Scope
from tiled_client.wire.structure_family import StructureFamily

from ...lookup.embedded import resolve_any
from ...services.nodes.subtrees import Subtree
from ..views import NodeView
from .export_responses import export_response
from core.http.requests import json_body, raw_body
from .tables import TableFullView

SUPPORTED_FAMILIES = (StructureFamily.container, StructureFamily.table)


class ContainerFullView(NodeView):
    """A container with its descendants."""

    scopes = {"GET": (Scope.read_data,), "POST": (Scope.read_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Export the container, or the children given by `field`."""
        return _answer(request, path, request.query_params.getlist("field") or None)

    def post(self, request: Request, path: str) -> HttpResponseBase:
        """Export the children listed in the body, for lists too long for a URL."""
        return _answer(request, path, _fields_in_body(request))


class NodeFullView(NodeView):
    """The deprecated endpoint of whole tables and containers."""

    accepts_data = True
    scopes = {"GET": (Scope.read_data,), "PUT": (Scope.write_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Export the node, as the endpoint of its family does."""
        family = resolve_any(path, *SUPPORTED_FAMILIES).family
        view = TableFullView if family is StructureFamily.table else ContainerFullView
        return view().get(request, path)

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace all rows of a table."""
        return TableFullView().put(request, path)


def _answer(request: Request, path: str, fields: list[str] | None) -> HttpResponseBase:
    node = resolve_any(path, StructureFamily.container)
    tree = Subtree(node, principal_of(request), fields)
    tree.check_fields()
    return export_response(request, node, StructureFamily.container, lambda: tree)


def _fields_in_body(request: Request) -> list[str] | None:
    if not raw_body(request):
        return None
    names = json_body(request)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise Invalid("The body must be a JSON list with the keys of one child or more.")
    return names
