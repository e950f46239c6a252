"""Ragged arrays over HTTP: whole, by slice, by block of rows, by patch.

Source: docs/reference/tiled-protocol/http.md, "Awkward, ragged, bytes".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from access.principals import Scope
from tiled_client.wire.buffers import ZIP, ragged_array
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.slices import parse_slice

from ...formats.nested import Nested
from ...lookup.nodes import resolve_family
from ...services.arrays import ragged
from ...services.uploads import Upload
from ..views import NodeView
from .export_responses import export_response
from .ragged_json import rows_from_json
from ..idempotency_header import read_idempotency_key, token_of
from ..node_header import expected_node
from core.http.requests import body_of_type, bounded_json, content_type, flag, required_sizes
from core.http.responses import JSON, render


class RaggedFullView(NodeView):
    """A whole ragged array, or any part of it."""

    accepts_data = True
    scopes = {
        "GET": (Scope.read_data,),
        "PUT": (Scope.write_data,),
        "PATCH": (Scope.write_data,),
    }

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return the rows, or a `slice` of them."""
        items = parse_slice(request.query_params.get("slice", ""))
        node = resolve_family(path, StructureFamily.ragged)
        array = ragged.read_ragged(node, items)
        return export_response(request, node, StructureFamily.ragged, lambda: Nested(lambda: array))

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace all rows."""
        upload = _upload(request)
        ragged.write_full(path=path, upload=upload, array=_rows(upload))
        return render(request, None)

    def patch(self, request: Request, path: str) -> HttpResponse:
        """Replace rows, or extend the array by them; return the resulting structure."""
        offset, shape = required_sizes(request, "offset"), required_sizes(request, "shape")
        extend, upload = flag(request, "extend", False), _upload(request)
        structure = ragged.write_patch(
            path=path,
            offset=offset,
            shape=shape,
            extend=extend,
            upload=replace(upload, idempotency_key=read_idempotency_key(request)),
            array=_rows(upload),
        )
        return render(request, structure.to_json())


class RaggedBlockView(NodeView):
    """One chunk of the rows of a ragged array."""

    accepts_data = True
    scopes = {"PUT": (Scope.write_data,)}

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace the rows of the chunk."""
        block, upload = required_sizes(request, "block"), _upload(request)
        ragged.write_block(path=path, block=block, upload=upload, array=_rows(upload))
        return render(request, None)


def _upload(request: Request) -> Upload:
    body = body_of_type(request, ZIP, JSON)
    persist = flag(request, "persist", True)
    token = "" if persist else token_of(request)
    if content_type(request) == JSON:
        body = bounded_json(body)
    return Upload(body, content_type(request), persist=persist, token=token, node=expected_node(request))


def _rows(upload: Upload) -> Any:
    return ragged_array(upload.content) if upload.mimetype == ZIP else rows_from_json(upload.content)
