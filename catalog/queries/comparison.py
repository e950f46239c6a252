"""Order comparisons: numbers by value, strings by code points."""

from __future__ import annotations

import orjson
from django.db.models import Q, Value

from ..database_vendor import on_postgresql
from .canonical import sqlite_number
from .paths import MetadataPath
from .sql import Sql

OPERATORS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def compare_values(path: MetadataPath, operator: str, value: float | str) -> Q:
    """Match nodes whose value has the type of `value` and satisfies the comparison with it."""
    sign = OPERATORS[operator]
    return Q(_texts(path, sign, value) if isinstance(value, str) else _numbers(path, sign, value))


def _texts(path: MetadataPath, sign: str, value: str) -> Sql:
    if on_postgresql():
        return Sql(
            f"{{0}} = 'string' AND ({{1}}) COLLATE \"C\" {sign} {{2}}::text",
            path.kind,
            path.text,
            Value(value),
        )
    return Sql(f"{{0}} = 'text' AND {{1}} {sign} {{2}}", path.kind, path.value, Value(value))


def _numbers(path: MetadataPath, sign: str, value: float) -> Sql:
    if on_postgresql():
        number = Value(orjson.dumps(value).decode())
        return Sql(f"{{0}} = 'number' AND {{1}} {sign} {{2}}::jsonb", path.kind, path.value, number)
    return Sql(
        f"{{0}} IN ('integer', 'real') AND {{1}} {sign} {{2}}",
        path.kind,
        path.value,
        Value(sqlite_number(value)),
    )
