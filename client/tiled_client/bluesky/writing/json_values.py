"""Values of documents as JSON: as bluesky's `TiledWriter` stores them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

import numpy as np

# Integers beyond these are not exact in JavaScript, and floats beyond these may become infinite.
LARGEST_INTEGER = 2**53 - 1
LARGEST_FLOAT = 1.7976e308


def as_json(value: Any) -> Any:
    """Return a document, or a part of one, as JSON values; numbers that are too large are clipped.

    NaN becomes None. Raises TypeError for types that JSON cannot represent.
    """
    match value:
        case None | bool() | str():
            return value
        case np.ndarray() | np.generic():
            return as_json(value.tolist())
        case Mapping():
            return {key: as_json(item) for key, item in value.items()}
        case int() | float():
            return _number(value)
        case bytes():
            # As Tiled's client encodes them.
            encoded = base64.b64encode(value).decode()
            return f"data:application/octet-stream;base64,{encoded}"
        case date():
            return value.isoformat()
        case PurePath():
            return str(value)
        case Iterable():
            return [as_json(item) for item in value]
    raise TypeError(f"JSON cannot represent a value of type {type(value).__name__}: {value!r:.100}")


def _number(value: float) -> float | None:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(LARGEST_FLOAT, value)
    if not value % 1 and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        return max(-LARGEST_INTEGER, min(value, LARGEST_INTEGER))
    return value
