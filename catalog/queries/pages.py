"""One page of what was found, and how much that is in all."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from ..models import Node
from .order import Order
from .sizes import count_fitting


@dataclass(frozen=True, slots=True)
class Found:
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
) -> Found:
    """Look up at most `limit` of `nodes`, and count all of them.

    The page begins after as many as `offset`, or after the node whose id is `cursor`. `counted`
    are the same nodes, as they are counted fastest.
    """
    ids = _ids(nodes, order, limit, offset, cursor)
    more = len(ids) > limit > 0
    whole = cursor is None and not offset and limit and not more
    every = nodes if counted is None else counted
    total = len(ids) if whole else every.order_by().count()
    return Found(ids[:limit], total, more)


def shortened(found: Found, most: int, *, assets: bool = False) -> Found:
    """Return the page without those at its end that make it larger than `most` bytes."""
    count = count_fitting(found.ids, most, assets=assets)
    return found if count == len(found.ids) else Found(found.ids[:count], found.total, True)


def load(ids: list[int], *, assets: bool) -> list[Node]:
    """The nodes of these ids, in that order, with their data sources; deleted ones are left out."""
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
    # The ids alone come from an index, however many of them are skipped.
    ids = order.applied(nodes).values_list("pk", flat=True)
    return list(ids[offset : offset + limit + 1])
