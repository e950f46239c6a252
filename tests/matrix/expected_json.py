"""Expected JSON of columns, computed without the code under test."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types


def said(column: Any) -> list[Any]:
    """Return the values of a column as documented for JSON."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [_value(chunk[number]) for chunk in chunks for number in range(len(chunk))]


def _value(scalar: Any) -> Any:
    kind = scalar.type
    if isinstance(kind, pa.BaseExtensionType) and not types.is_null(kind):
        if kind.extension_name in ("arrow.uuid", "arrow.bool8"):
            return scalar.as_py() if kind.extension_name == "arrow.bool8" else _uuid(scalar)
        return _value(scalar.value) if scalar.value is not None else None
    if not scalar.is_valid:
        return None
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _value(scalar.value)
    if types.is_union(kind):
        return _value(scalar.value)
    if types.is_struct(kind):
        return {field.name: _value(scalar[n]) for n, field in enumerate(kind)}
    if types.is_map(kind):
        return [[_value(pair[0]), _value(pair[1])] for pair in scalar.values]
    if types.is_nested(kind):
        return [_value(item) for item in scalar.values]
    return _plain(scalar, kind)


def _uuid(scalar: Any) -> str | None:
    return None if scalar.as_py() is None else str(scalar.as_py())


def _plain(scalar: Any, kind: Any) -> Any:
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_time(kind):
        return _time(scalar, kind)
    if types.is_duration(kind):
        return scalar.value
    if types.is_decimal(kind):
        return str(scalar.as_py())
    if types.is_interval(kind):
        return list(scalar.as_py())
    value = scalar.as_py()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.decode("latin-1")
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def _time(scalar: Any, kind: Any) -> Time:
    if types.is_date(kind):
        return Time(scalar.value, "D" if types.is_date32(kind) else "ms")
    return Time(scalar.value, kind.unit)


@dataclass(frozen=True)
class Time:
    """A moment, a date or a time of day, equal to a text in ISO 8601 with the same meaning."""

    count: int
    unit: str

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Time):
            return self.exactly == other.exactly
        if isinstance(other, str):
            return self.exactly == _parsed(other)
        # Read as an array, a column of times of day has durations.
        return isinstance(other, (int, float)) and other == self.count

    @property
    def exactly(self) -> int:
        """The value in nanoseconds."""
        return self.count * PER[self.unit]


PER = {"D": 86400 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
ISO = re.compile(
    r"(?:(?P<y>-?\d+)-(?P<m>\d\d)-(?P<d>\d\d))?T?(?:(?P<H>\d\d):(?P<M>\d\d)"
    r"(?::(?P<S>\d\d)(?:\.(?P<f>\d+))?)?)?(?:(?P<sign>[+-])(?P<zh>\d\d):(?P<zm>\d\d)|Z)?"
)


def _parsed(text: str) -> int | None:
    """Return the nanoseconds since 1970 or midnight of a text in ISO 8601."""
    found = ISO.fullmatch(text) if text else None
    if found is None:
        return None
    part = {
        name: int(value or 0) for name, value in found.groupdict().items() if name not in "fsign"
    }
    days = _days(part["y"], part["m"], part["d"]) if found["y"] else 0
    seconds = ((days * 24 + part["H"]) * 60 + part["M"]) * 60 + part["S"]
    offset = (part["zh"] * 60 + part["zm"]) * 60
    seconds -= -offset if found["sign"] == "-" else offset
    return seconds * 10**9 + int((found["f"] or "0").ljust(9, "0"))


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970 in the proleptic Gregorian calendar, for any year."""
    eras = (year - 1970) // 400
    moment = datetime.date(year - eras * 400, month, day)
    return (moment - datetime.date(1970, 1, 1)).days + eras * 146_097
