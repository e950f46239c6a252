"""Filter nodes by visibility.

All listings, searches and counts of nodes for a principal use it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from access.permissions.tag_permissions import PUBLIC
from access.principals import Principal, Scope

from ..models import Node
from .node_permissions import allowed_tag_paths, tag_paths_with


def visible(nodes: QuerySet[Node], principal: Principal, *scopes: Scope) -> QuerySet[Node]:
    """Those of `nodes` that `principal` sees, and has all `scopes` on if any are named.

    A node is seen if all containers above it are. The root is not for a listing: it is left out
    where rights differ from node to node. `nodes` itself where they do not.
    """
    allowed = allowed_tag_paths(principal, scopes)
    if allowed is None:
        return nodes
    return nodes.filter(tag_path__in=allowed) if allowed else nodes.none()


def with_any_tag(tags: Iterable[str]) -> Q:
    """Return the condition that a node has one of `tags` itself; `public` in any case."""
    known = (PUBLIC if tag.casefold() == PUBLIC else tag for tag in tags)
    return Q(tag_path__in=tag_paths_with(known))
