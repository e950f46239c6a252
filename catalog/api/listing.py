"""Pages of a container's children.

Source: the wire, "`GET V/search/{path}`".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, OrderBy, QuerySet
from django.db.models.fields.json import KT
from rest_framework.request import Request

from access.errors import BadRequest, Invalid

from ..models import Node
from .requests import integer

MAX_PAGE = 300
DEFAULT_PAGE = 100
SORT = re.compile(r"(?:[+-][a-zA-Z0-9_.]*|[a-zA-Z0-9_.]+)?")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing is asked for."""

    offset: int
    limit: int

    @classmethod
    def of(cls, request: Request) -> Page:
        """Read the query parameters. Raises BadRequest and Invalid."""
        offset = integer(request, "page[offset]")
        cursor = integer(request, "page[cursor]")
        if offset is not None and cursor is not None:
            raise BadRequest("Cannot specify both page[cursor] and page[offset]")
        limit = integer(request, "page[limit]", DEFAULT_PAGE, high=MAX_PAGE)
        return cls(offset or cursor or 0, DEFAULT_PAGE if limit is None else limit)

    def links(self, address: str, total: int) -> dict[str, str | None]:
        """Links to this page, the first and the next; without the request's other parameters."""
        after = self.offset + self.limit
        more = self.limit and after < total
        size = f"page[limit]={self.limit}"
        return {
            "self": f"{address}?page[offset]={self.offset}&{size}",
            "first": f"{address}?{size}",
            "next": f"{address}?page[offset]={after}&{size}" if more else None,
        }


def ordered(children: QuerySet[Node], sorting: Sequence[str]) -> QuerySet[Node]:
    """Children in the order asked for; ties, and no wish at all, by order of creation."""
    terms: list[OrderBy] = []
    named: set[str] = set()
    reverse = False
    for number, text in enumerate(sorting):
        if not SORT.fullmatch(text):
            raise Invalid(
                f"A sort must be a metadata path like start.time or -start.time: {text!r}."
            )
        key, descending = text.lstrip("+-"), text.startswith("-")
        if not key:
            if descending and number < len(sorting) - 1:
                raise BadRequest("The sort '-' must come last.")
            reverse = reverse or descending
            continue
        if key in named:
            raise BadRequest(f"Duplicate sorting key: {key}")
        named.add(key)
        terms.append(_term(key, descending))
    return children.order_by(*terms, "-pk" if reverse else "pk")


def child_counts(nodes: Iterable[Node]) -> dict[int, int]:
    """The number of children of each of `nodes` that has any, by its id; one query."""
    parents = Node.objects.filter(parent__in=[node.pk for node in nodes])
    return dict(parents.values_list("parent").annotate(Count("pk")).order_by())


def _term(key: str, descending: bool) -> OrderBy:
    expression = (
        F("key")
        if key == "id"
        else KT("metadata__" + key.removeprefix("metadata.").replace(".", "__"))
    )
    if descending:
        return expression.desc(nulls_first=True)
    return expression.asc(nulls_last=True)
