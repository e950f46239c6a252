"""How large nodes are in an answer, asked of the database before any of them is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection

from ..database_vendor import on_postgresql

# Of an asset, and of a chunk, in JSON: about so many bytes.
ASSET, CHUNK = 200, 6
# Few are loaded without asking: each has its own bounds.
FEW = 8
SIZES = """
SELECT node.id, {octets}, CAST(source.structure AS TEXT), {assets}
FROM catalog_node AS node LEFT JOIN catalog_datasource AS source ON source.node_id = node.id
WHERE node.id IN ({ids})
"""
REVISIONS = "SELECT id, {octets} FROM catalog_revision WHERE id IN ({ids})"
ASSETS = (
    "(SELECT COUNT(*) FROM catalog_datasourceasset AS link WHERE link.data_source_id = source.id)"
)


def count_fitting(ids: Sequence[int], most: int, *, assets: bool = False) -> int:
    """Return how many of the first nodes are together no larger than `most` bytes; at least one.

    Their metadata and structures count, and their `assets` if these are wanted.
    """
    return len(ids) if len(ids) <= FEW else _fitting(ids, _sizes(ids, assets), most)


def fitting_revisions(ids: Sequence[int], most: int) -> int:
    """Return the same of revisions, by their ids."""
    if len(ids) <= FEW:
        return len(ids)
    sql = REVISIONS.format(octets=_octets("metadata"), ids=_listed(ids))
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return _fitting(ids, dict(cursor.fetchall()), most)


def _fitting(ids: Sequence[int], sizes: Mapping[int, int], most: int) -> int:
    total = 0
    for number, pk in enumerate(ids):
        total += sizes.get(pk, 0)
        if total > most and number:
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
    """The number of chunk sizes in a structure as it is stored: runs of equal ones."""
    chunks: Any = orjson.loads(text).get("chunks") or ()
    return sum(count for runs in chunks for _, count in runs or ())
