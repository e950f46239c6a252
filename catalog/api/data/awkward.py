"""Awkward arrays over HTTP.

Source: docs/reference/tiled-protocol/http.md, "Awkward, ragged, bytes".
"""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.errors import Invalid
from access.principals import Scope
from tiled_client.wire.buffers import ZIP
from tiled_client.wire.slices import parse_slice
from tiled_client.wire.structure_family import StructureFamily

from ...formats.nested import Nested
from ...lookup.nodes import resolve_family
from ...metrics import READS
from ...services.arrays import awkward
from ...services.uploads import Upload
from ..views import NodeView
from .export_responses import check_format, export_response
from ..idempotency_header import token_of
from ..node_header import expected_node
from core.http.requests import body_of_type, flag, json_body, raw_body
from core.http.responses import attachment_headers, binary, render


class AwkwardFullView(NodeView):
    """A whole awkward array."""

    accepts_data = True
    scopes = {"GET": (Scope.read_data,), "PUT": (Scope.write_data,)}

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return the buffers as they were written, or all or a `slice` in another format."""
        items = parse_slice(request.query_params.get("slice", ""))
        node = resolve_family(path, StructureFamily.awkward)
        if items:
            part = awkward.read_items(node, items)
            data = Nested(lambda: part, is_slice=True)
        else:
            data = Nested(lambda: awkward.read_awkward(node), lambda: awkward.read_body(node))
        return export_response(request, node, StructureFamily.awkward, lambda: data)

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace all buffers."""
        persist = flag(request, "persist", True)
        token = "" if persist else token_of(request)
        upload = Upload(body_of_type(request, ZIP), ZIP, persist=persist, token=token, node=expected_node(request))
        awkward.write_full(path=path, upload=upload)
        return render(request, None)


class AwkwardBuffersView(NodeView):
    """Some of the buffers of an awkward array."""

    scopes = {"GET": (Scope.read_data,), "POST": (Scope.read_data,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return the buffers of the form nodes given by `form_key`, or all buffers."""
        return _buffers(request, path, request.query_params.getlist("form_key"))

    def post(self, request: Request, path: str) -> HttpResponse:
        """Return the buffers of the form nodes listed in the body, for lists too long for a URL."""
        keys = json_body(request) if raw_body(request) else []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise Invalid("The body must be a JSON list of form keys, as in ['node1'].")
        return _buffers(request, path, keys)


def _buffers(request: Request, path: str, form_keys: list[str]) -> HttpResponse:
    node = resolve_family(path, StructureFamily.awkward)
    check_format(request, StructureFamily.awkward, ZIP)
    READS.labels(StructureFamily.awkward.value, ZIP).add()
    body = awkward.read_buffers(node, form_keys) if form_keys else awkward.read_body(node)
    return binary(request, body, ZIP, headers=attachment_headers(request))
