"""Canonical JSON: equal values have equal texts, whatever their key order, and 1 equals 1.0."""

from __future__ import annotations

from typing import Any

import orjson

# SQLite stores larger integers as floating point numbers.
INT64_LIMIT = 2**63


def canonical(value: Any) -> bytes:
    """Return the canonical text of `value`."""
    return orjson.dumps(_normalize(value), option=orjson.OPT_SORT_KEYS)


def canonical_text(text: str | bytes | None) -> str | None:
    """Return the canonical text of a JSON text."""
    return None if text is None else canonical(orjson.loads(text)).decode()


def sqlite_number(value: float) -> float:
    """Return the number as SQLite stores it."""
    return float(value) if isinstance(value, int) and not _fits(value) else value


def _fits(value: int) -> bool:
    return -INT64_LIMIT <= value < INT64_LIMIT


def _normalize(value: Any) -> Any:
    match value:
        case dict():
            return {key: _normalize(item) for key, item in value.items()}
        case list():
            return [_normalize(item) for item in value]
        case float() if value.is_integer() and -INT64_LIMIT <= value < 2 * INT64_LIMIT:
            return int(value)
    return value
