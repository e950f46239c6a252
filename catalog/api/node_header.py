"""The header `X-Tiled-Node`: which node a client means by a path.

Responses that describe a node, or that it was created, have its UUID in the header. A write with
the header is rejected if the path is that of another node by then: a producer that runs on after
its node was replaced does not write into the new one.
"""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from core.errors import Invalid

from ..lookup.embedded import EmbeddedNode
from ..models import Node
from ..services.tables.columns import Column

HEADER = "X-Tiled-Node"


def expected_node(request: Request) -> UUID | None:
    """Return the node that a write is meant for; None if any will do. Raises Invalid."""
    text = request.META.get("HTTP_X_TILED_NODE")
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid(f"The header {HEADER} must be a UUID, not {text!r:.80}.") from error


def node_headers(node: Node | EmbeddedNode | Column) -> dict[str, str]:
    """Return the header of a response about `node`; empty for nodes inside others."""
    return {HEADER: str(node.uuid)} if isinstance(node, Node) else {}
