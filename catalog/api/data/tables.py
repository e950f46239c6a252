"""Tables over HTTP: whole, or by partition; rows are appended to a partition.

Source: docs/reference/tiled-protocol/http.md, "Table endpoints".
"""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.errors import BadRequest, Invalid
from access.principals import Scope
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.slices import parse_rows

from core.http.media_types import ARROW
from ...lookup.embedded import resolve_any
from ...services.tables import reading, writing
from ...services.uploads import Upload
from ..views import NodeView
from .export_responses import export_response
from ..idempotency_header import read_idempotency_key, token_of
from ..node_header import expected_node
from core.http.requests import data_of_type, flag, json_body, raw_body, required_integer
from core.http.responses import render


class TableFullView(NodeView):
    """All rows of a table."""

    accepts_data = True
    scopes = {
        "GET": (Scope.read_data,),
        "POST": (Scope.read_data,),
        "PUT": (Scope.write_data,),
    }

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return all rows or a range of them, with all columns or the given ones."""
        columns, wanted = _columns(request), _rows(request)
        node = resolve_any(path, StructureFamily.table)
        selected = reading.select_rows(node, columns, wanted)
        return export_response(request, node, StructureFamily.table, lambda: selected)

    def post(self, request: Request, path: str) -> HttpResponseBase:
        """Return rows with the columns listed in the body, for lists too long for a URL."""
        return self.get(request, path)

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace all rows."""
        writing.write_table(path=path, upload=_upload(request))
        return render(request, None)


class TablePartitionView(NodeView):
    """The rows of one partition."""

    accepts_data = True
    scopes = {
        "GET": (Scope.read_data,),
        "POST": (Scope.read_data,),
        "PUT": (Scope.write_data,),
        "PATCH": (Scope.write_data,),
    }

    def get(self, request: Request, path: str) -> HttpResponseBase:
        """Return the rows or a range of them, with all columns or the given ones."""
        columns, wanted = _columns(request), _rows(request)
        partition = required_integer(request, "partition")
        node = resolve_any(path, StructureFamily.table)
        selected = reading.select_rows(node, columns, wanted, partition=partition)
        return export_response(request, node, StructureFamily.table, lambda: selected)

    def post(self, request: Request, path: str) -> HttpResponseBase:
        """Return rows with the columns listed in the body, for lists too long for a URL."""
        return self.get(request, path)

    def put(self, request: Request, path: str) -> HttpResponse:
        """Replace the rows."""
        writing.write_partition(
            path=path,
            partition=required_integer(request, "partition"),
            upload=_upload(request),
        )
        return render(request, None)

    def patch(self, request: Request, path: str) -> HttpResponse:
        """Append rows."""
        writing.append_rows(
            path=path,
            partition=required_integer(request, "partition"),
            upload=replace(_upload(request), idempotency_key=read_idempotency_key(request)),
        )
        return render(request, None)


def _upload(request: Request) -> Upload:
    persist = flag(request, "persist", True)
    return Upload(
        body=data_of_type(request, ARROW),
        mimetype=ARROW,
        persist=persist,
        token="" if persist else token_of(request),
        node=expected_node(request),
    )


def _columns(request: Request) -> list[str] | None:
    if request.method == "POST":
        return _columns_in_body(request)
    columns, fields = (request.query_params.getlist(name) for name in ("column", "field"))
    if columns and fields:
        raise BadRequest("Give either 'column' or 'field' (its old name), not both.")
    return columns or fields or None


def _rows(request: Request) -> slice:
    return parse_rows(request.query_params.get("rows", ":"))


def _columns_in_body(request: Request) -> list[str] | None:
    if not raw_body(request):
        return None
    names = json_body(request)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise Invalid("The body must be a JSON list with the names of one column or more.")
    return names
