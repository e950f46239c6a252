"""Containment: an element in a list, or a substring in a string."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, Value

from ..database_vendor import on_postgresql
from .equality import is_one_of
from .json_containment import jsonb_contains, nest
from .paths import MetadataPath
from .sql import Sql


def contains(path: MetadataPath, value: Any) -> Q:
    """Match nodes with a list that has `value`, or a string that `value` is a substring of."""
    if isinstance(value, str):
        return Q(_in_text(path, value)) | Q(_in_list(path, value))
    found = Q(_in_list(path, value))
    if on_postgresql() and path.plain:
        return Q(jsonb_contains(nest(path.segments, [value]))) & found
    return found


def _in_text(path: MetadataPath, value: str) -> Sql:
    function, text = ("strpos", "string") if on_postgresql() else ("instr", "text")
    return Sql(
        f"{{0}} = '{text}' AND {function}({{1}}, {{2}}) > 0", path.kind, path.text, Value(value)
    )


def _in_list(path: MetadataPath, value: Any) -> Sql:
    listed = Sql("CASE WHEN {0} = 'array' THEN {1} END", path.kind, path.value)
    if on_postgresql():
        rows = "jsonb_array_elements({0}) AS element(value)"
    else:
        rows = "json_each({0}) AS element"
    found = is_one_of(Sql("element.type"), Sql("element.value"), [value])
    return Sql(f"EXISTS (SELECT 1 FROM {rows} WHERE {{1}})", listed, found)  # noqa: S608
