"""Parse ragged arrays from JSON request bodies."""

from __future__ import annotations

from typing import Any

import orjson

from core.errors import Invalid


def rows_from_json(body: bytes) -> Any:
    """Return nested JSON lists as an `awkward.Array`, with NaN for null. Raises Invalid."""
    import awkward

    try:
        rows = orjson.loads(body)
        array = awkward.from_iter(rows if isinstance(rows, list) else None)
        return awkward.fill_none(array, float("nan"), axis=None)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Invalid("The body must be a JSON list, with a list for each row.") from error
