"""Limits of JSON values: what databases, orjson and clients can hold."""

from __future__ import annotations

from typing import Any

import orjson

from .errors import Invalid

# orjson writes 254 levels, and a response needs some of them for its own envelope.
MAX_JSON_DEPTH = 200


def check_json(value: Any) -> None:
    """Raise Invalid for a value that a database's JSON column, or a response, cannot hold."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise Invalid(f"JSON must not be nested deeper than {MAX_JSON_DEPTH} levels.")
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str) and "\0" in item:
                raise Invalid("A string with a NUL character cannot be stored.")
            elif isinstance(item, int) and not -(2**63) <= item < 2**64:
                raise Invalid("An integer of more than 64 bits cannot be stored.")
        level = below


def json_size(value: Any) -> int:
    """Return the size in bytes of `value` as JSON. Raises Invalid for too many levels."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        raise Invalid(f"This cannot be stored as JSON: {error}.") from error
