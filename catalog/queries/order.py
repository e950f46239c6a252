"""Sort order of listings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, OrderBy, QuerySet

from core.errors import BadRequest, Invalid

from ..database_vendor import on_postgresql
from ..models import Node
from .paths import MetadataPath
from .sql import Part, Sql

SORT = re.compile(r"(?:[+-][a-zA-Z0-9_.]*|[a-zA-Z0-9_.]+)?")
MAX_SORT_KEYS = 20
# Types in PostgreSQL's order; null sorts like a missing value.
KINDS = (
    "CASE {0} WHEN 'text' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'false' THEN 2 "
    "WHEN 'true' THEN 2 WHEN 'array' THEN 3 WHEN 'object' THEN 4 END"
)


@dataclass(frozen=True, slots=True)
class Order:
    """The sort terms of a listing, and whether newer nodes come first among equal ones."""

    terms: tuple[OrderBy, ...] = ()
    newest_first: bool = False

    @classmethod
    def parse(cls, sorting: Sequence[str]) -> Order:
        """Parse `color`, `-start.time`, `id` (the key), `-` (newest first).

        Raises Invalid and BadRequest.
        """
        terms: list[OrderBy] = []
        named: set[str] = set()
        reverse = False
        for number, text in enumerate(sorting):
            _check(text)
            key, descending = text.lstrip("+-"), text.startswith("-")
            if not key:
                if descending and number < len(sorting) - 1:
                    raise BadRequest("The sort '-' must come last.")
                reverse = reverse or descending
                continue
            if key in named:
                raise BadRequest(f"Duplicate sorting key: {key}")
            named.add(key)
            terms += [_term(part, descending) for part in _values(key)]
        if len(named) > MAX_SORT_KEYS:
            raise BadRequest(f"Nodes can be sorted by at most {MAX_SORT_KEYS} keys.")
        return cls(tuple(terms), reverse)

    @property
    def by_creation(self) -> bool:
        """True if nodes are sorted by creation only, so that an id determines a position."""
        return not self.terms

    def apply(self, nodes: QuerySet[Node]) -> QuerySet[Node]:
        """Sort the nodes."""
        return nodes.order_by(*self.terms, "-pk" if self.newest_first else "pk")

    def after(self, nodes: QuerySet[Node], cursor: int) -> QuerySet[Node]:
        """Return the nodes that follow the node with the id `cursor`, in order of creation."""
        return nodes.filter(pk__lt=cursor) if self.newest_first else nodes.filter(pk__gt=cursor)


def _check(text: str) -> None:
    if not SORT.fullmatch(text):
        raise Invalid(f"A sort must be a metadata path like start.time or -start.time: {text!r}.")


def _values(key: str) -> list[Part]:
    if key == "id":
        return [F("key")]
    path = MetadataPath.parse(key.removeprefix("metadata."))
    if on_postgresql():
        return [Sql("NULLIF({0}, 'null')", path.value)]
    return [Sql(KINDS, path.kind), path.value]


def _term(value: Part, descending: bool) -> OrderBy:
    if descending:
        return value.desc(nulls_first=True)
    return value.asc(nulls_last=True)
