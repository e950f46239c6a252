"""Distinct values among the children of a container.

Source: docs/reference/tiled-protocol/http.md, "`GET V/distinct/{path}`".
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from access.api.permissions import principal_of
from access.principals import Scope
from core.bounds import bounds
from core.errors import BadRequest, NotSupported
from core.http.requests import flag
from core.http.responses import render
from tiled_client.wire.structure_family import StructureFamily

from ...lookup.embedded import group_of, resolve_any
from ...models import Node
from ...permissions.visibility import filter_visible
from ...queries import replicas
from ...queries.deadlines import statement_deadline
from ...queries.distinct import Distinct
from ...queries.filters import apply_filters
from ..views import NodeView
from .filter_params import filters_of

MAX_METADATA_KEYS = 100


class DistinctView(NodeView):
    """The distinct values among the children of a container."""

    scopes = {"GET": (Scope.read_metadata,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the distinct values of each requested kind; with `counts`, the number of each."""
        keys, counts = (
            list(dict.fromkeys(request.query_params.getlist("metadata"))),
            flag(request, "counts", False),
        )
        if len(keys) > MAX_METADATA_KEYS:
            raise BadRequest(f"At most {MAX_METADATA_KEYS} metadata keys can be requested at once.")
        families, specs = flag(request, "structure_families", False), flag(request, "specs", False)
        filters, container = filters_of(request), resolve_any(path)
        plain = container.family is StructureFamily.container and group_of(container) is None
        if not plain or not isinstance(container, Node):
            raise NotSupported("This node does not support distinct.")
        children = filter_visible(Node.objects.filter(parent=container), principal_of(request))
        nodes = apply_filters(children, filters, parent=container.pk)

        def find() -> dict[str, Any]:
            distinct = Distinct(nodes, counts=counts, max_bytes=bounds().distinct)
            with statement_deadline():
                return {
                    "metadata": {key: distinct.metadata(key) for key in keys} or None,
                    "structure_families": distinct.families() if families else None,
                    "specs": distinct.specs() if specs else None,
                }

        return render(request, replicas.search(find))
