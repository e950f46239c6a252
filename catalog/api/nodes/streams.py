"""The end of a node's stream."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from access.principals import Scope
from core.http.responses import render

from ...services.nodes.streams import close_stream
from ..idempotency_header import token_of
from ..node_header import expected_node
from ..views import NodeView


class CloseStreamView(NodeView):
    """The stream of a node of any family."""

    scopes = {"DELETE": (Scope.write_data,)}

    def delete(self, request: Request, path: str) -> HttpResponse:
        """Close the stream; subscribers are disconnected once they have received everything."""
        close_stream(path=path, token=token_of(request), node=expected_node(request))
        return render(request, None)
