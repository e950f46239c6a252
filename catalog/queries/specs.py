"""Filter nodes by their specs."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, Q, Value

from ..database_vendor import on_postgresql
from .json_containment import jsonb_contains
from .sql import Sql


def with_specs(include: Sequence[str], exclude: Sequence[str]) -> Q:
    """Match nodes that declare all specs in `include` and none in `exclude`, of any version."""
    found = Q()
    for name in include:
        found &= Q(_declared(name))
    for name in exclude:
        found &= ~Q(_declared(name))
    return found


def _declared(name: str) -> Sql:
    if on_postgresql():
        return jsonb_contains([{"name": name}], "specs")
    return Sql(
        "EXISTS (SELECT 1 FROM json_each({0}) AS spec "
        "WHERE json_extract(spec.value, '$.name') = {1})",
        F("specs"),
        Value(name),
    )
