"""Metrics of stored data. docs/how-to/monitor.md explains them."""

from __future__ import annotations

from core.metrics.families import Counter

WRITTEN_FAMILIES = (("array",), ("awkward",), ("ragged",), ("table",))

WRITES = Counter(
    "tiled_storage_writes_total",
    "Writes of data that were stored, by structure family; sparse arrays count as arrays.",
    ("family",),
    WRITTEN_FAMILIES,
)
WRITTEN_BYTES = Counter(
    "tiled_storage_written_bytes_total",
    "Bytes of data that were stored, as received, by structure family.",
    ("family",),
    WRITTEN_FAMILIES,
)
READS = Counter(
    "tiled_reads_total",
    "Reads of data, by structure family and media type of the response.",
    ("family", "format"),
)
