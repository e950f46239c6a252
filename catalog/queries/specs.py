"""What nodes declare themselves to be."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, Q, Value

from ..database_vendor import on_postgresql
from .json_containment import contained
from .sql import Sql


def with_specs(include: Sequence[str], exclude: Sequence[str]) -> Q:
    """Specs of all the names in `include` are declared, and none of `exclude`; versions vary."""
    found = Q()
    for name in include:
        found &= Q(_declared(name))
    for name in exclude:
        found &= ~Q(_declared(name))
    return found


def _declared(name: str) -> Sql:
    if on_postgresql():
        return contained([{"name": name}], "specs")
    return Sql(
        "EXISTS (SELECT 1 FROM json_each({0}) AS spec "
        "WHERE json_extract(spec.value, '$.name') = {1})",
        F("specs"),
        Value(name),
    )
