"""PostgreSQL's JSON containment (`@>`), which the index on the metadata supports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.db.models import F, Value

from .sql import Sql


def nest(segments: Iterable[str], value: Any) -> Any:
    """Return metadata with only `value`, nested under these keys."""
    for key in reversed(tuple(segments)):
        value = {key: value}
    return value


def jsonb_contains(value: Any, column: str = "metadata") -> Sql:
    """Return a condition: the column contains `value`, possibly with more keys at every level."""
    return Sql("{0} @> {1}::jsonb", F(column), Value(orjson.dumps(value).decode()))
