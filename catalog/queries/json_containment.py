"""PostgreSQL's containment of JSON in JSON, which its index on the metadata answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.db.models import F, Value

from .sql import Sql


def nested(segments: Iterable[str], value: Any) -> Any:
    """Metadata that have nothing but `value` under these keys."""
    for key in reversed(tuple(segments)):
        value = {key: value}
    return value


def contained(value: Any, column: str = "metadata") -> Sql:
    """Whether the column contains `value`: all it has, and perhaps more, at every level."""
    return Sql("{0} @> {1}::jsonb", F(column), Value(orjson.dumps(value).decode()))
