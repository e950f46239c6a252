"""Find one page of nodes, and count all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from ..models import Node
from .order import Order
from .sizes import count_fitting


@dataclass(frozen=True, slots=True)
class FoundPage:
    """The ids of a page's nodes, the exact number of nodes on all pages, and if more follow."""

    ids: list[int]
    total: int
    more: bool


def find_page(
    nodes: QuerySet[Node],
    order: Order,
    *,
    limit: int,
    offset: int = 0,
    cursor: int | None = None,
    counted: QuerySet[Node] | None = None,
) -> FoundPage:
    """Return at most `limit` of `nodes`, and the count of all.

    The page begins at `offset`, or after the node with the id `cursor`. `counted` are the same
    nodes, as a query that is faster to count.
    """
    ids = _ids(nodes, order, limit, offset, cursor)
    more = len(ids) > limit > 0
    whole = cursor is None and not offset and limit and not more
    every = nodes if counted is None else counted
    total = len(ids) if whole else every.order_by().count()
    return FoundPage(ids[:limit], total, more)


def truncate_page(found: FoundPage, max_bytes: int, *, assets: bool = False) -> FoundPage:
    """Return the page without the nodes at its end that make it larger than `max_bytes` bytes."""
    count = count_fitting(found.ids, max_bytes, assets=assets)
    return found if count == len(found.ids) else FoundPage(found.ids[:count], found.total, True)


def load(ids: list[int], *, assets: bool) -> list[Node]:
    """Return the nodes with these ids, in that order, with data sources; skip deleted ones."""
    nodes = Node.objects.select_related("data_source").filter(pk__in=ids)
    if assets:
        nodes = nodes.prefetch_related("data_source__asset_links")
    by_id = {node.pk: node for node in nodes}
    return [by_id[pk] for pk in ids if pk in by_id]


def _ids(
    nodes: QuerySet[Node], order: Order, limit: int, offset: int, cursor: int | None
) -> list[int]:
    if not limit:
        return []
    if cursor is not None:
        nodes = order.after(nodes, cursor)
    # An index alone provides the ids, however many of them are skipped.
    ids = order.apply(nodes).values_list("pk", flat=True)
    return list(ids[offset : offset + limit + 1])
