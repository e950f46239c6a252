"""Conversion of metadata to values that JSON can represent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np


def jsonable(value: Any) -> Any:
    """Return metadata with numpy values as Python ones, and times as ISO 8601.

    NaN and infinities become None. Raises TypeError for types that JSON cannot represent.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in value]
        case np.generic() | np.ndarray():
            array = np.asarray(value)
            # tolist() of datetimes with nanoseconds would return integers.
            is_datetime = array.dtype.kind == "M"
            return jsonable(
                np.datetime_as_string(array).tolist() if is_datetime else array.tolist()
            )
        case datetime() | date():
            return value.isoformat()
    raise TypeError(f"Metadata cannot hold a {type(value).__name__}: {value!r}")
