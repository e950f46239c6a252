"""PostgreSQL's JSON containment (`@>`), which the index on the metadata supports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.db.models import F, Value

from .sql import Sql


def nest(segments: Iterable[str], value: Any) -> Any:
    """Return metadata that have only `value`, under these keys."""
    for key in reversed(tuple(segments)):
        value = {key: value}
    return value


def jsonb_contains(value: Any, column: str = "metadata") -> Sql:
    """Return whether the column contains `value` at every level, possibly with more keys."""
    return Sql("{0} @> {1}::jsonb", F(column), Value(orjson.dumps(value).decode()))
