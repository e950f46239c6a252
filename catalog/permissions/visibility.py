"""Filter nodes by visibility. All listings, searches and counts for a principal use it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from access.permissions.tag_permissions import PUBLIC
from access.principals import Principal, Scope

from ..models import Node
from .node_permissions import allowed_tag_paths, tag_paths_with


def filter_visible(nodes: QuerySet[Node], principal: Principal, *scopes: Scope) -> QuerySet[Node]:
    """Return those of `nodes` that `principal` can see, and has all `scopes` on.

    A node is visible only if all its ancestors are. Where tags restrict the principal, the result
    never has the root, which is in no listing; otherwise it is `nodes` unchanged.
    """
    allowed = allowed_tag_paths(principal, scopes)
    if allowed is None:
        return nodes
    return nodes.filter(tag_path__in=allowed) if allowed else nodes.none()


def with_any_tag(tags: Iterable[str]) -> Q:
    """Return the condition that a node itself has one of `tags`; `public` ignores case."""
    known = (PUBLIC if tag.casefold() == PUBLIC else tag for tag in tags)
    return Q(tag_path__in=tag_paths_with(known))
