"""Pages of listings.

Source: docs/reference/tiled-protocol/http.md, "`GET V/search/{path}`".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count
from rest_framework.request import Request

from access.permissions.tag_permissions import tags_enabled
from access.principals import Principal
from core.errors import BadRequest
from core.http.paging import DEFAULT_PAGE, MAX_OFFSET, MAX_PAGE
from core.http.requests import integer
from tiled_client.wire.structure_family import StructureFamily

from ...models import Node
from ...permissions.visibility import filter_visible
from ...queries.order import Order
from ...queries.pages import FoundPage


@dataclass(frozen=True, slots=True)
class Page:
    """The requested part of a listing: after `offset` items, or after the one at `cursor`."""

    offset: int
    limit: int
    cursor: int | None = None

    @classmethod
    def from_request(cls, request: Request) -> Page:
        """Read the query parameters. Raises BadRequest and Invalid."""
        offset = integer(request, "page[offset]", high=MAX_OFFSET)
        cursor = integer(request, "page[cursor]", high=MAX_OFFSET)
        if offset is not None and cursor is not None:
            raise BadRequest("Cannot specify both page[cursor] and page[offset]")
        limit = integer(request, "page[limit]", DEFAULT_PAGE, high=MAX_PAGE)
        return cls(offset or 0, DEFAULT_PAGE if limit is None else limit, cursor)

    def links(self, address: str, total: int, *, after: int | None = None) -> dict[str, str | None]:
        """Return links to this page, the first and the next; the client repeats other parameters.

        The next page begins at offset `after`, if this page is shorter than requested.
        """
        after = self.offset + self.limit if after is None else after
        more = self.limit and after < total
        return self._links(address, f"page[offset]={after}" if more else None)

    def cursor_links(self, address: str, found: FoundPage, order: Order) -> dict[str, str | None]:
        """Return the links of a page of nodes; in order of creation the next one uses a cursor.

        A cursor neither repeats nor skips nodes when others are created or deleted meanwhile. In
        any other order a node has no stable position, and the next page begins at an offset.
        """
        if not found.more:
            return self._links(address, None)
        if order.by_creation:
            return self._links(address, f"page[cursor]={found.ids[-1]}")
        return self._links(address, f"page[offset]={self.offset + len(found.ids)}")

    def _links(self, address: str, following: str | None) -> dict[str, str | None]:
        size = f"page[limit]={self.limit}"
        here = f"offset]={self.offset}" if self.cursor is None else f"cursor]={self.cursor}"
        return {
            "self": f"{address}?page[{here}&{size}",
            "first": f"{address}?{size}",
            "next": f"{address}?{following}&{size}" if following else None,
        }


def child_counts(nodes: Iterable[Node], principal: Principal) -> dict[int, int]:
    """Return the numbers of children that `principal` can see, by the ids of `nodes` with any.

    Runs at most one query.
    """
    containers = [
        node.pk for node in nodes if node.family is StructureFamily.container and not node.source
    ]
    if not containers:
        return {}
    if len(containers) == 1 and not tags_enabled():
        return _count_of(containers[0])
    children = filter_visible(Node.objects.filter(parent__in=containers), principal)
    return dict(children.values_list("parent").annotate(Count("pk")).order_by())


def _count_of(container: int) -> dict[int, int]:
    """Return the number of children of one container whose children are visible to all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM catalog_node WHERE parent_id = %s", [container])
        (count,) = cursor.fetchone()
    return {container: count} if count else {}
