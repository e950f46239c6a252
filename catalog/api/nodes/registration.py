"""Register external files over HTTP, and update data sources when files grow."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from access.api.permissions import principal_of
from access.principals import Scope
from core.errors import BadRequest, Invalid
from core.http.requests import integer, json_body, sizes
from core.http.responses import render
from core.http.urls import base_url

from ...directories.registration import FileRequest, register_files
from ...services.nodes import create
from ...services.nodes.data_sources import DataSourcePatch, update_data_source
from ...services.nodes.drafts import Draft, parse_data_source
from ..client_versions import knows_sizes
from ..idempotency_header import read_idempotency_key
from ..node_header import expected_node, node_headers
from ..views import NodeView
from .metadata import created, may_replace
from .pagination import child_counts
from .resources import FIELDS, ResourceOptions, node_resource


class RegisterView(NodeView):
    """The container under which a node is registered."""

    scopes = {"POST": (Scope.write_metadata, Scope.create_node, Scope.register)}

    def post(self, request: Request, path: str) -> HttpResponse:
        """Create a child whose data are external files, which may not exist yet."""
        draft = Draft.from_json(json_body(request))
        principal = principal_of(request)
        node = create.register_node(
            parent_path=path,
            draft=draft,
            principal=principal,
            idempotency_key=read_idempotency_key(request),
            replace=may_replace(request),
        )
        return created(request, path, draft, node)


class RegisterFilesView(NodeView):
    """The container under which files are registered that the server inspects."""

    scopes = {"POST": (Scope.write_metadata, Scope.create_node, Scope.register)}

    def post(self, request: Request, path: str) -> HttpResponse:
        """Inspect external files, and create a child with their structure.

        A folder that is not a data set becomes a container with a child for each data set in it.
        """
        done = register_files(
            parent_path=path,
            request=FileRequest.from_json(json_body(request)),
            principal=principal_of(request),
            idempotency_key=read_idempotency_key(request),
            replace=may_replace(request),
        )
        counts = child_counts([done.node], principal_of(request))
        options = ResourceOptions(
            FIELDS, data_sources=True, links=True, select_metadata=None, sizes=knows_sizes(request)
        )
        resource = node_resource(base_url(request), done.node, options, counts)
        meta = {
            "registered": done.registered,
            "folders": done.folders,
            "skipped": done.skipped,
        }
        body = {"data": resource, "error": None, "links": None, "meta": meta}
        return render(request, body, headers=node_headers(done.node))


class DataSourceView(NodeView):
    """The data source of a registered node."""

    scopes = {"PUT": (Scope.write_metadata, Scope.register)}

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace the data source after files were added or have grown."""
        body = json_body(request)
        if not isinstance(body, dict) or "data_source" not in body:
            raise Invalid("The body must be a JSON object with the key 'data_source'.")
        replacement = parse_data_source(body["data_source"])
        update_data_source(
            path=path,
            replacement=replacement,
            patch=_patch(request),
            partition=integer(request, "partition"),
            expected=expected_node(request),
        )
        return render(request, None)


def _patch(request: Request) -> DataSourcePatch | None:
    offset, shape = sizes(request, "patch_offset"), sizes(request, "patch_shape")
    if offset is None and shape is None:
        return None
    if offset is None or shape is None:
        raise BadRequest("patch_shape and patch_offset go together: send both or neither.")
    return DataSourcePatch(offset, shape)
