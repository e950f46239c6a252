"""One node over HTTP: read its resource, create a child, update its metadata, delete it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from access.api.permissions import principal_of
from access.principals import Scope, require
from core.errors import Invalid, NotAcceptable
from core.http.requests import flag, json_body
from core.http.responses import render
from core.http.urls import ROOT_PATH, base_url, root_path

from ...models import Node
from ...permissions.node_permissions import own_tags
from ...services.nodes import create
from ...services.nodes.deletion import delete_node
from ...services.nodes.drafts import Draft, parse_specs, validate_metadata
from ...services.nodes.json_patches import apply_json_patch, apply_merge_patch
from ...services.nodes.metadata import DescriptionChange, NodeDescription, update_metadata
from ...services.nodes.tags import parse_tags
from ...services.tables.columns import resolve_with_columns
from ..client_versions import knows_sizes, sources_of
from ..idempotency_header import read_idempotency_key
from ..node_header import expected_node, node_headers
from ..views import NodeView
from .links import child_path, node_links
from .pagination import child_counts
from .resources import ResourceOptions, node_resource

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


class MetadataView(NodeView):
    """A node of any family."""

    scopes = {
        "GET": (Scope.read_metadata,),
        "POST": (Scope.write_metadata, Scope.create_node),
        "PUT": (Scope.write_metadata,),
        "PATCH": (Scope.write_metadata,),
        "DELETE": (Scope.delete_node, Scope.delete_revision),
    }

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the node's resource."""
        options = ResourceOptions.from_request(request)
        node = resolve_with_columns(path)
        counts = child_counts([node], principal_of(request)) if isinstance(node, Node) else {}
        resource = node_resource(base_url(request), node, options, counts)
        meta = (
            {"root_path": root_path(request) + ROOT_PATH}
            if flag(request, "root_path", False)
            else {}
        )
        body = {"data": resource, "error": None, "links": None, "meta": meta}
        return render(request, body, headers=node_headers(node))

    def post(self, request: Request, path: str) -> HttpResponse:
        """Create a child; data are stored in managed storage."""
        draft = Draft.from_json(json_body(request))
        if draft.data_source and draft.data_source.assets:
            raise Invalid("A data source with assets is registered: POST it to /register/ instead.")
        principal = principal_of(request)
        node = create.create_node(
            parent_path=path,
            draft=draft,
            principal=principal,
            idempotency_key=read_idempotency_key(request),
            replace=may_replace(request),
        )
        return created(request, path, draft, node)

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace the given ones of metadata, specs and access tags."""
        body = _object(json_body(request))
        return self._update(request, path, body, lambda before: replaced(before, body))

    def patch(self, request: Request, path: str) -> HttpResponse:
        """Patch metadata, specs and access tags."""
        body = _object(json_body(request))
        return self._update(request, path, body, patch_of(body))

    def delete(self, request: Request, path: str) -> HttpResponse:
        """Delete the node."""
        delete_node(
            path=path,
            recursive=flag(request, "recursive", False),
            external_only=flag(request, "external_only", True),
            principal=principal_of(request),
            expected=expected_node(request),
        )
        return render(request, None)

    def _update(
        self, request: Request, path: str, body: dict[str, Any], change: DescriptionChange
    ) -> HttpResponse:
        updated = update_metadata(
            path=path,
            change=change,
            drop_revision=flag(request, "drop_revision", False),
            update_tags=body.get("access_tags") is not None,
            principal=principal_of(request),
            expected=expected_node(request),
        )
        answer: dict[str, Any] = {"id": updated.node.key}
        if updated.changed_by_validator:
            answer["metadata"] = updated.node.metadata
        if updated.tags_normalized:
            answer["access_tags"] = own_tags(updated.node.tag_path_id)
        return render(request, answer)


def may_replace(request: Request) -> bool:
    """Return whether a creation replaces a node of the same key. Raises Unauthorized, Invalid."""
    replace = flag(request, "replace", False)
    if replace:
        require(principal_of(request), Scope.delete_node, Scope.delete_revision)
    return replace


def created(request: Request, parent_path: str, draft: Draft, node: Node) -> HttpResponse:
    """Return the response to a creation: the attributes that the client does not know yet."""
    path = child_path(parent_path, node.key)
    answer: dict[str, Any] = {
        "id": node.key,
        "links": node_links(base_url(request), path, node.family, node.structure),
        "data_sources": sources_of(node, sizes=knows_sizes(request)),
        "access_tags": own_tags(node.tag_path_id),
    }
    if node.metadata != draft.metadata:
        answer["metadata"] = node.metadata
    return render(request, answer, headers=node_headers(node))


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object with metadata, specs, access_tags.")
    return body


def replaced(before: NodeDescription, body: dict[str, Any]) -> NodeDescription:
    """Return a description in which the fields of a PUT replace the stored ones. Raises Invalid."""
    metadata, specs = body.get("metadata"), body.get("specs")
    return NodeDescription(
        before.metadata if metadata is None else validate_metadata(metadata),
        before.specs if specs is None else parse_specs(specs),
        _replaced_tags(before, body),
    )


def _replaced_tags(before: NodeDescription, body: dict[str, Any]) -> Any:
    """Return the requested tags; the response has the resulting ones, if they differ."""
    tags = body.get("access_tags")
    parse_tags(tags)
    return before.tags if tags is None else tags


def patch_of(body: dict[str, Any]) -> DescriptionChange:
    """Return the change that a PATCH asks for. Raises Invalid, NotAcceptable."""
    if "content-type" not in body or "specs" not in body:
        raise Invalid("The body must have the keys 'content-type' and 'specs' (which may be null).")
    match body["content-type"]:
        case "application/json-patch+json":
            return lambda before: _json_patched(before, body)
        case "application/merge-patch+json":
            return lambda before: _merge_patched(before, body)
    raise NotAcceptable(f"valid content types: {JSON_PATCH}, {MERGE_PATCH}")


def _json_patched(before: NodeDescription, body: dict[str, Any]) -> NodeDescription:
    return NodeDescription(
        validate_metadata(apply_json_patch(before.metadata, _given(body, "metadata"))),
        parse_specs(apply_json_patch(before.specs, _given(body, "specs"))),
        apply_json_patch(before.tags, _given(body, "access_tags")),
    )


def _given(body: dict[str, Any], name: str) -> Any:
    operations = body.get(name)
    return [] if operations is None else operations


def _merge_patched(before: NodeDescription, body: dict[str, Any]) -> NodeDescription:
    metadata, specs = body.get("metadata"), body["specs"]
    return NodeDescription(
        before.metadata
        if metadata is None
        else validate_metadata(apply_merge_patch(before.metadata, metadata)),
        before.specs if specs is None else parse_specs(specs),
        _replaced_tags(before, body),
    )
