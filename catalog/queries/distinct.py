"""Which values there are among nodes, and how often."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import Count, F, IntegerField, QuerySet, TextField, Value

from ..models import Node
from .paths import MetadataPath
from .sql import Part, Sql, postgresql

Rows = list[dict[str, Any]]
# SQLite's values do not say that they were true or false, and texts of lists look like texts.
AS_JSON = (
    "CASE {0} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
    "WHEN 'text' THEN json_quote({1}) WHEN 'integer' THEN json_quote({1}) "
    "WHEN 'real' THEN tiled_canonical(json_quote({1})) "
    "WHEN 'array' THEN tiled_canonical({1}) WHEN 'object' THEN tiled_canonical({1}) END"
)


def distinct_metadata(nodes: QuerySet[Node], key: str, *, counts: bool) -> Rows:
    """The values under `key`; nodes that have none count as having null. Raises Invalid."""
    path = MetadataPath.parse(key)
    if postgresql():
        value = Sql("NULLIF({0}, 'null')", path.value, output_field=TextField())
    else:
        value = Sql(AS_JSON, path.kind, path.value, output_field=TextField())
    return _rows(nodes, value, counts, orjson.loads)


def distinct_families(nodes: QuerySet[Node], *, counts: bool) -> Rows:
    """The structure families."""
    return _rows(nodes, F("structure_family"), counts, str)


def distinct_specs(nodes: QuerySet[Node], *, counts: bool) -> Rows:
    """The lists of specs."""
    return _rows(
        nodes, Sql("CAST({0} AS TEXT)", F("specs"), output_field=TextField()), counts, orjson.loads
    )


def _rows(nodes: QuerySet[Node], value: Part, counts: bool, read: Any) -> Rows:
    grouped = nodes.order_by().values(found=value)
    if counts:
        grouped = grouped.annotate(count=Count("pk"))
    else:
        grouped = grouped.distinct().annotate(count=Value(None, IntegerField()))
    return [
        {"value": None if found is None else read(found), "count": count}
        for found, count in grouped.order_by("found").values_list("found", "count")
    ]
