"""Estimate the size of nodes in a response with a query, before loading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection

from ..database_vendor import on_postgresql

# Approximate JSON size of an asset, and of a chunk size, in bytes.
ASSET, CHUNK = 200, 6
# Up to this number, nodes are loaded without a check: the size of each is limited by itself.
MAX_UNCHECKED_ROWS = 8
SIZES = """
SELECT node.id, {octets}, CAST(source.structure AS TEXT), {assets}
FROM catalog_node AS node LEFT JOIN catalog_datasource AS source ON source.node_id = node.id
WHERE node.id IN ({ids})
"""
REVISIONS = "SELECT id, {octets} FROM catalog_revision WHERE id IN ({ids})"
ASSETS = (
    "(SELECT COUNT(*) FROM catalog_datasourceasset AS link WHERE link.data_source_id = source.id)"
)


def count_fitting(ids: Sequence[int], max_bytes: int, *, assets: bool = False) -> int:
    """Return how many of the first nodes fit into `max_bytes` bytes together; at least one.

    Metadata and structures count, and assets if `assets` is true.
    """
    return (
        len(ids)
        if len(ids) <= MAX_UNCHECKED_ROWS
        else _fitting(ids, _sizes(ids, assets), max_bytes)
    )


def fitting_revisions(ids: Sequence[int], max_bytes: int) -> int:
    """Return how many of the first revisions fit into `max_bytes` bytes together; at least one."""
    if len(ids) <= MAX_UNCHECKED_ROWS:
        return len(ids)
    sql = REVISIONS.format(octets=_octets("metadata"), ids=_listed(ids))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return _fitting(ids, dict(cursor.fetchall()), max_bytes)


def _fitting(ids: Sequence[int], sizes: Mapping[int, int], max_bytes: int) -> int:
    total = 0
    for number, pk in enumerate(ids):
        total += sizes.get(pk, 0)
        if total > max_bytes and number:
            return number
    return len(ids)


def _sizes(ids: Sequence[int], assets: bool) -> dict[int, int]:
    octets = _octets("node.metadata")
    sql = SIZES.format(octets=octets, assets=ASSETS if assets else "0", ids=_listed(ids))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    return {pk: size + _structure(text) + count * ASSET for pk, size, text, count in rows}


def _octets(column: str) -> str:
    if on_postgresql():
        return f"octet_length(CAST({column} AS TEXT))"
    return f"length(CAST({column} AS BLOB))"


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, map(int, ids)))


def _structure(text: str | None) -> int:
    if text is None:
        return 0
    return len(text) + (CHUNK * _chunks(text) if '"chunks"' in text else 0)


@lru_cache(maxsize=256)
def _chunks(text: str) -> int:
    """Return the number of chunk sizes in a stored structure, which encodes runs of equal sizes."""
    chunks: Any = orjson.loads(text).get("chunks") or ()
    return sum(count for runs in chunks for _, count in runs or ())
