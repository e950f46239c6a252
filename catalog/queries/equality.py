"""Equality: a metadata value is one of some values.

Values are compared as JSON: 1 equals 1.0, but neither true nor "1"; the order of object keys does
not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from django.db.models import Q, Value

from ..database_vendor import on_postgresql
from . import fts_terms
from .canonical import canonical, sqlite_number
from .json_containment import jsonb_contains, nest
from .paths import MetadataPath
from .sql import Part, Sql, always, never, texts

# PostgreSQL searches the index once per value.
MAX_INDEX_LOOKUPS = 20


def equals(path: MetadataPath, value: Any, parent: int | None) -> Q:
    """Match nodes that have the value."""
    return one_of(path, [value], parent)


def not_equals(path: MetadataPath, value: Any) -> Q:
    """Match nodes that have another value under the key."""
    return Q(path.present) & ~Q(is_one_of(path.kind, path.value, [value]))


def one_of(path: MetadataPath, values: Sequence[Any], parent: int | None) -> Q:
    """Match nodes that have one of the values."""
    if not values:
        return Q(never())
    found = Q(is_one_of(path.kind, path.value, values))
    narrowed = _indexed(path, values, parent) if path.plain else None
    return found if narrowed is None else narrowed & found


def none_of(path: MetadataPath, values: Sequence[Any]) -> Q:
    """Match nodes that have none of the values under the key; with no values, every node."""
    if not values:
        return Q(always())
    return Q(path.present) & ~Q(is_one_of(path.kind, path.value, values))


def is_one_of(kind: Part, value: Part, wanted: Sequence[Any]) -> Sql:
    """Return a condition, never NULL: `value`, of the type `kind`, is one of `wanted`."""
    if on_postgresql():
        if len(wanted) == 1:
            single = Value(orjson.dumps(wanted[0]).decode())
            return Sql("COALESCE({0} = {1}::jsonb, false)", value, single)
        listed = texts([orjson.dumps(item).decode() for item in wanted])
        return Sql("COALESCE({0} = ANY({1}::text[]::jsonb[]), false)", value, listed)
    return _sqlite_same(kind, value, wanted)


def _sqlite_same(kind: Part, value: Part, wanted: Sequence[Any]) -> Sql:
    names, strings, numbers, compounds = [], [], [], []
    for item in wanted:
        match item:
            case None | bool():
                names.append(orjson.dumps(item).decode())
            case str():
                strings.append(item)
            case int() | float():
                numbers.append(sqlite_number(item))
            case _:
                compounds.append(canonical(item).decode())
    cases: list[tuple[str, list[Any]]] = [
        ("{0} IN (%s)", names),
        ("{0} = 'text' AND {1} IN (%s)", strings),
        ("{0} IN ('integer', 'real') AND {1} IN (%s)", numbers),
        ("{0} IN ('array', 'object') AND tiled_canonical({1}) IN (%s)", compounds),
    ]
    parts: list[Part] = [kind, value]
    either = []
    for template, items in cases:
        if items:
            either.append(template % ", ".join(f"{{{len(parts) + n}}}" for n in range(len(items))))
            parts += [Value(item) for item in items]
    return Sql(f"{{0}} IS NOT NULL AND ({' OR '.join(either)})", *parts)


def _indexed(path: MetadataPath, values: Sequence[Any], parent: int | None) -> Q | None:
    """Return a condition with an index that matches at least the same nodes; None without one."""
    if on_postgresql():
        if len(values) > MAX_INDEX_LOOKUPS:
            return None
        either = Q()
        for value in values:
            either |= Q(jsonb_contains(nest(path.segments, value)))
        return either
    if any(isinstance(value, dict) for value in values):
        return None
    narrowed = fts_terms.match_terms(
        parent, [fts_terms.key_value_term(path.segments, value) for value in values]
    )
    return None if narrowed is None else Q(narrowed)
