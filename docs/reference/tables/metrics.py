"""The metrics, as they are declared."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from core.metrics.families import Family, Histogram, families

from .markdown import code, table

# Those that declare metrics; a server imports the last only with PostgreSQL.
MODULES = (
    "access.metrics",
    "catalog.metrics",
    "streaming.metrics",
    "tiledproject.http.process_metrics",
    "tiledproject.http.request_metrics",
    "tiledproject.postgresql.pool_metrics",
)
HEADER = ("Metric", "Type", "Labels", "Meaning")


def metrics() -> Iterator[str]:
    """Return the table of all metrics."""
    for name in MODULES:
        importlib.import_module(name)
    return table(HEADER, [_row(one) for one in families()])


def _row(family: Family[object]) -> list[str]:  # type: ignore[type-var]
    labels = ", ".join(map(code, family.label_names))
    return [code(family.name), family.kind, labels, family.text + _bounds(family)]


def _bounds(family: object) -> str:
    if not isinstance(family, Histogram):
        return ""
    return f" Buckets up to {', '.join(f'{bound:g}' for bound in family.bounds)}."
