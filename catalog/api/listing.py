"""Pages of a container's children.

Source: the wire, "`GET V/search/{path}`".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, OrderBy
from django.db.models.fields.json import KeyTransform
from rest_framework.request import Request

from access.errors import BadRequest, Invalid
from access.principals import Principal
from tiled_client.wire.families import StructureFamily

from ..models import Node
from ..visibility import visible
from .requests import integer

MAX_PAGE = 300
DEFAULT_PAGE = 100
# Databases count in 64 bits, the page that follows included.
LAST_OFFSET = 2**63 - 1 - MAX_PAGE
# A number in a path is an index, which PostgreSQL takes in 32 bits.
INDEX_DIGITS = 9
SORT = re.compile(r"(?:[+-][a-zA-Z0-9_.]*|[a-zA-Z0-9_.]+)?")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a listing is asked for."""

    offset: int
    limit: int

    @classmethod
    def of(cls, request: Request) -> Page:
        """Read the query parameters. Raises BadRequest and Invalid."""
        offset = integer(request, "page[offset]", high=LAST_OFFSET)
        cursor = integer(request, "page[cursor]", high=LAST_OFFSET)
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


def sort_terms(sorting: Sequence[str]) -> list[str | OrderBy]:
    """The order asked for; ties, and no wish at all, by order of creation.

    Raises Invalid and BadRequest.
    """
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
    return [*terms, "-pk" if reverse else "pk"]


def child_counts(nodes: Iterable[Node], principal: Principal) -> dict[int, int]:
    """How many children `principal` sees of each of `nodes` that has any, by its id.

    At most one query.
    """
    containers = [node.pk for node in nodes if node.family is StructureFamily.container]
    if not containers:
        return {}
    children = visible(Node.objects.filter(parent__in=containers), principal)
    return dict(children.values_list("parent").annotate(Count("pk")).order_by())


def _metadata_at(path: str) -> F | KeyTransform:
    """A value in the metadata, with its type: numbers are compared as such by every database."""
    expression: F | KeyTransform = F("metadata")
    for name in path.split("."):
        if name.isdecimal() and len(name) > INDEX_DIGITS:
            raise Invalid(f"There is no index {name} to sort by.")
        expression = KeyTransform(name, expression)
    return expression


def _term(key: str, descending: bool) -> OrderBy:
    expression = F("key") if key == "id" else _metadata_at(key.removeprefix("metadata."))
    if descending:
        return expression.desc(nulls_first=True)
    return expression.asc(nulls_last=True)
