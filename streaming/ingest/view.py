"""`POST /api/v1/ingest`: frames in a body, answered with the acknowledgements."""

from __future__ import annotations

from typing import Any

import msgpack
from django.http import HttpResponse
from rest_framework.request import Request

from access.api.base import ApiView
from access.api.permissions import principal_of
from access.principals import Scope
from core.http.requests import data_of_type
from tiled_client.wire.ingest import MEDIA_TYPE

from .one_shot import write_body


class IngestView(ApiView):
    """Frames of a producer that has no WebSocket."""

    # `tiledproject.http.ingest_schema` describes it, since it has no JSON.
    schema = None
    accepts_data = True
    scopes = {"POST": (Scope.write_data,)}

    def post(self, request: Request, *_: Any) -> HttpResponse:
        """Carry out the frames in the body, and return the replies as a msgpack list."""
        replies = write_body(principal_of(request), data_of_type(request, MEDIA_TYPE))
        return HttpResponse(msgpack.packb(replies), content_type=MEDIA_TYPE)
