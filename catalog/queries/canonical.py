"""One way to write a JSON value, so that equal values have equal texts: 1 and 1.0, in any order."""

from __future__ import annotations

from typing import Any

import orjson

# SQLite has what is larger as a floating point number.
LARGEST = 2**63


def canonical(value: Any) -> bytes:
    """The text of `value`."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def canonical_text(text: str | bytes | None) -> str | None:
    """The same of a value that is written as JSON already."""
    return None if text is None else canonical(orjson.loads(text)).decode()


def sqlite_number(value: float) -> float:
    """The number as SQLite has it."""
    return float(value) if isinstance(value, int) and not _fits(value) else value


def _fits(value: int) -> bool:
    return -LARGEST <= value < LARGEST


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer() and -LARGEST <= value < 2 * LARGEST:
            return int(value)
    return value
