"""How large nodes are in an answer, asked of the database before any of them is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection

from .sql import postgresql

# Of an asset, and of a chunk, in JSON: about so many bytes.
ASSET, CHUNK = 200, 6
# Few are loaded without asking: each has its own bounds.
FEW = 8
SIZES = """
SELECT node.id, {octets}, CAST(source.structure AS TEXT), {assets}
FROM catalog_node AS node LEFT JOIN catalog_datasource AS source ON source.node_id = node.id
WHERE node.id IN ({ids})
"""
ASSETS = (
    "(SELECT COUNT(*) FROM catalog_datasourceasset AS link WHERE link.data_source_id = source.id)"
)


def fitting(ids: Sequence[int], most: int, *, assets: bool = False) -> int:
    """Return how many of the first nodes are together no larger than `most` bytes; at least one.

    Their metadata and structures count, and their `assets` if these are wanted.
    """
    if len(ids) <= FEW:
        return len(ids)
    sizes = _sizes(ids, assets)
    total = 0
    for number, pk in enumerate(ids):
        total += sizes.get(pk, 0)
        if total > most and number:
            return number
    return len(ids)


def _sizes(ids: Sequence[int], assets: bool) -> dict[int, int]:
    octets = "octet_length(CAST(node.metadata AS TEXT))"
    sql = SIZES.format(
        octets=octets if postgresql() else "length(CAST(node.metadata AS BLOB))",
        assets=ASSETS if assets else "0",
        ids=", ".join(map(str, map(int, ids))),
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    return {pk: size + _structure(text) + count * ASSET for pk, size, text, count in rows}


def _structure(text: str | None) -> int:
    if text is None:
        return 0
    return len(text) + (CHUNK * _chunks(text) if '"chunks"' in text else 0)


@lru_cache(maxsize=256)
def _chunks(text: str) -> int:
    """The number of chunk sizes in a structure as it is stored: runs of equal ones."""
    chunks: Any = orjson.loads(text).get("chunks") or ()
    return sum(count for runs in chunks for _, count in runs or ())
