"""JSON values of Arrow columns, in responses, in streams, and as text in other formats.

| values | in JSON |
| --- | --- |
| numbers, booleans, strings | the same; not finite: null |
| decimals | string |
| bytes | string: UTF-8 if they are valid UTF-8, else Latin-1 |
| times, dates, times of day | ISO 8601, in UTC if the time zone is unknown |
| durations | integers, in the unit of the type |
| intervals | `[months, days, nanoseconds]` |
| lists | lists |
| structs | objects |
| maps | a list of `[key, value]` |
| dictionaries, unions, run-end encoded | the values themselves |
| extension types | their storage; UUIDs as strings, `bool8` as booleans |

pyarrow is loaded on first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow

Values = list[Any]

# Raised by pyarrow and Python for times out of the range of `datetime`, and unknown zones.
_CONVERSION_ERRORS = (ValueError, OverflowError, KeyError, TypeError, NotImplementedError)
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def column_to_json(column: pyarrow.ChunkedArray | pyarrow.Array) -> Values:
    """Return one value for each row. Raises ValueError for structs with a duplicate field name."""
    values: Values = []
    for chunk in getattr(column, "chunks", [column]):
        values += _to_json(chunk)
    return values


def _to_json(array: Any) -> Values:
    from pyarrow import types

    for is_kind, convert in _conversions():
        if is_kind(array.type):
            return convert(array)
    if types.is_null(array.type):
        return [None] * len(array)
    return list(array.to_pylist())


def _conversions() -> Iterator[tuple[Callable[[Any], Any], Callable[[Any], Values]]]:
    import pyarrow
    from pyarrow import types

    yield types.is_timestamp, _timestamps
    yield types.is_date, _dates
    yield types.is_time, _times_of_day
    yield types.is_duration, lambda array: list(array.cast(pyarrow.int64()).to_pylist())
    yield _is_octets, lambda array: [_text(value) for value in array.to_pylist()]
    yield types.is_interval, _intervals
    yield types.is_dictionary, lambda a: _take(_to_json(a.dictionary), a.indices.to_pylist())
    yield types.is_run_end_encoded, _runs
    yield types.is_struct, _structs
    yield types.is_union, _unions
    yield types.is_map, _maps
    yield types.is_nested, _lists
    yield lambda kind: isinstance(kind, pyarrow.BaseExtensionType), _extensions


def _is_octets(kind: Any) -> bool:
    from pyarrow import types

    kinds = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_binary_view))


def _text(octets: bytes | None) -> str | None:
    if octets is None:
        return None
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _timestamps(array: Any) -> Values:
    import pyarrow

    try:
        values = array.to_pylist()
        # isoformat() fails for local times in years out of range, which to_pylist() does not.
        return [value and value.isoformat() for value in values]
    except (*_CONVERSION_ERRORS, pyarrow.ArrowException):
        kind = array.type
        counts = array.cast(pyarrow.int64())
        return _iso_strings(counts, kind.unit, "" if kind.tz is None else "+00:00")


def _dates(array: Any) -> Values:
    import pyarrow

    try:
        return list(array.to_pylist())
    except (*_CONVERSION_ERRORS, pyarrow.ArrowException):
        if array.type == pyarrow.date32():
            return _iso_strings(array.cast(pyarrow.int32()).cast(pyarrow.int64()), "D", "")
        days = [value and value // 86_400_000 for value in array.cast(pyarrow.int64()).to_pylist()]
        return _iso_strings(pyarrow.array(days, pyarrow.int64()), "D", "")


def _iso_strings(counts: Any, unit: str, zone: str) -> Values:
    """Return ISO 8601 strings of counts since 1970, also out of the range of `datetime`."""
    numbers = np.asarray(counts.fill_null(0)).astype(f"M8[{unit}]")
    texts = np.datetime_as_string(numbers).tolist()
    return [
        text + zone if valid else None
        for text, valid in zip(texts, counts.is_valid().to_pylist(), strict=True)
    ]


def _times_of_day(array: Any) -> Values:
    import pyarrow
    from pyarrow import types

    narrow = pyarrow.int32() if types.is_time32(array.type) else pyarrow.int64()
    per = _NANOSECONDS[array.type.unit]
    return [
        None if count is None else _time_of_day(count * per)
        for count in array.cast(narrow).to_pylist()
    ]


def _time_of_day(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds, 10**9)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02}:{minute:02}:{second:02}"
    if not fraction:
        return text
    return f"{text}.{fraction:09}" if fraction % 1000 else f"{text}.{fraction // 1000:06}"


def _intervals(array: Any) -> Values:
    return [None if value is None else list(value) for value in array.to_pylist()]


def _take(values: Values, places: Sequence[int | None]) -> Values:
    return [None if place is None else values[place] for place in places]


def _runs(array: Any) -> Values:
    rows = np.arange(array.offset, array.offset + len(array))
    runs = np.searchsorted(np.asarray(array.run_ends), rows, side="right")
    return _take(_to_json(array.values), runs.tolist())


def _structs(array: Any) -> Values:
    names = [field.name for field in array.type]
    if len(set(names)) < len(names):
        raise ValueError(f"the struct {array.type} has two fields of the same name")
    if not names:
        rows: Any = ({} for _ in range(len(array)))
    else:
        columns = [_to_json(column) for column in array.flatten()]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return [
        row if valid else None
        for row, valid in zip(rows, array.is_valid().to_pylist(), strict=True)
    ]


def _unions(array: Any) -> Values:
    numbers = {code: number for number, code in enumerate(array.type.type_codes)}
    children = [_to_json(array.field(number)) for number in range(array.type.num_fields)]
    # Of a sliced array, pyarrow's `type_codes` and `offsets` are those of other rows.
    own = slice(array.offset, array.offset + len(array))
    buffers = array.buffers()
    codes = np.frombuffer(buffers[1], np.int8)[own].tolist()
    dense = array.type.mode == "dense"
    places = np.frombuffer(buffers[2], np.int32)[own].tolist() if dense else range(len(array))
    return [children[numbers[code]][place] for code, place in zip(codes, places, strict=True)]


def _maps(array: Any) -> Values:
    keys, items = _to_json(array.keys), _to_json(array.items)
    ends = array.offsets.to_pylist()
    return [
        [list(pair) for pair in zip(keys[start:end], items[start:end], strict=True)]
        if valid
        else None
        for start, end, valid in zip(ends, ends[1:], array.is_valid().to_pylist(), strict=False)
    ]


def _lists(array: Any) -> Values:
    from pyarrow import compute

    items = iter(_to_json(array.flatten()))
    lengths = compute.list_value_length(array).to_pylist()
    return [None if length is None else list(islice(items, length)) for length in lengths]


def _extensions(array: Any) -> Values:
    if array.type.extension_name in ("arrow.uuid", "arrow.bool8"):
        return list(array.to_pylist())
    return _to_json(array.storage)
