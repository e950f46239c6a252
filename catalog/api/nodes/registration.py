"""Files of others: making them known, and saying that there is more in them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from access.api.permissions import principal_of
from access.principals import Scope
from core.errors import BadRequest, Invalid
from core.http.requests import integer, json_body, sizes
from core.http.responses import render

from ...services.nodes import create
from ...services.nodes.data_sources import DataSourcePatch, update_data_source
from ...services.nodes.drafts import Draft, parse_data_source
from ..data.idempotency import once_of
from ..views import NodeView
from .metadata import created


class RegisterView(NodeView):
    """The container under which a node is registered."""

    scopes = {"POST": (Scope.write_metadata, Scope.create_node, Scope.register)}

    def post(self, request: Request, path: str) -> HttpResponse:
        """Make a child whose data are files that are there already, or will be."""
        draft = Draft.from_json(json_body(request))
        principal = principal_of(request)
        node = create.register_node(
            parent_path=path, draft=draft, principal=principal, once=once_of(request)
        )
        return created(request, path, draft, node)


class DataSourceView(NodeView):
    """The data source of a registered node."""

    scopes = {"PUT": (Scope.write_metadata, Scope.register)}

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace it: the files have grown, or there are more of them."""
        body = json_body(request)
        if not isinstance(body, dict) or "data_source" not in body:
            raise Invalid("The body must be a JSON object with the key 'data_source'.")
        replacement = parse_data_source(body["data_source"])
        update_data_source(
            path=path,
            replacement=replacement,
            patch=_patch(request),
            partition=integer(request, "partition"),
        )
        return render(request, None)


def _patch(request: Request) -> DataSourcePatch | None:
    offset, shape = sizes(request, "patch_offset"), sizes(request, "patch_shape")
    if offset is None and shape is None:
        return None
    if offset is None or shape is None:
        raise BadRequest("patch_shape and patch_offset go together: give both or neither.")
    return DataSourcePatch(offset, shape)
