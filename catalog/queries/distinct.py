"""Distinct values among nodes, and how often each occurs."""

from __future__ import annotations

from typing import Any

import orjson
from django.db.models import Count, F, IntegerField, QuerySet, Sum, TextField, Value

from core.bounds import bounds
from core.errors import BadRequest

from ..database_vendor import on_postgresql
from ..models import Node
from .paths import MetadataPath
from .sql import Part, Sql

DistinctRows = list[dict[str, Any]]
# SQLite has no booleans, and returns lists as texts: `json_type` tells the original type.
AS_JSON = (
    "CASE {0} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
    "WHEN 'text' THEN json_quote({1}) WHEN 'integer' THEN json_quote({1}) "
    "WHEN 'real' THEN tiled_canonical(json_quote({1})) "
    "WHEN 'array' THEN tiled_canonical({1}) WHEN 'object' THEN tiled_canonical({1}) END"
)


# Rows that SQLite fetches at a time; each may be as large as metadata can be.
FETCH_ROWS = 16


class Distinct:
    """The distinct values among some nodes, limited to `max_bytes` of JSON in a response."""

    def __init__(self, nodes: QuerySet[Node], *, counts: bool, max_bytes: int) -> None:
        self._nodes = nodes
        self._counts = counts
        self._left = max_bytes

    def metadata(self, key: str) -> DistinctRows:
        """Return the values under `key`; nodes without the key count as null.

        Raises Invalid and BadRequest.
        """
        path = MetadataPath.parse(key)
        if on_postgresql():
            value = Sql("NULLIF({0}, 'null')", path.value, output_field=TextField())
        else:
            value = Sql(AS_JSON, path.kind, path.value, output_field=TextField())
        return self._rows(value, orjson.loads)

    def families(self) -> DistinctRows:
        """Return the structure families. Raises BadRequest."""
        return self._rows(F("structure_family"), str)

    def specs(self) -> DistinctRows:
        """Return the lists of specs. Raises BadRequest."""
        text = Sql("CAST({0} AS TEXT)", F("specs"), output_field=TextField())
        return self._rows(text, orjson.loads)

    def _rows(self, value: Part, read: Any) -> DistinctRows:
        grouped = self._nodes.order_by().values(found=value)
        if self._counts:
            grouped = grouped.annotate(count=Count("pk"))
        else:
            grouped = grouped.distinct().annotate(count=Value(None, IntegerField()))
        ordered = grouped.order_by("found").values_list("found", "count")
        rows: DistinctRows = []
        for found, count in self._fetched(ordered):
            self._spend(len(found or ""))
            rows.append({"value": None if found is None else read(found), "count": count})
        return rows

    def _fetched(self, rows: Any) -> Any:
        if not on_postgresql():
            return rows.iterator(chunk_size=FETCH_ROWS)
        # Its client loads all rows at once, so their total size is queried first.
        size = Sql("octet_length(CAST({0} AS TEXT))", F("found"), output_field=IntegerField())
        self._check(rows.order_by().annotate(size=size).aggregate(total=Sum("size"))["total"] or 0)
        return rows

    def _spend(self, size: int) -> None:
        self._check(size)
        self._left -= size

    def _check(self, size: int) -> None:
        if size > self._left:
            raise BadRequest(
                f"The distinct values are larger than {bounds().distinct} bytes (the setting "
                "bounds.distinct). Request fewer metadata keys, or filter the nodes."
            )
