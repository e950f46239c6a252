"""Checks of casts of Arrow columns: rejected are those that changed a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


def cast_columns(table: pyarrow.Table, schema: pyarrow.Schema) -> pyarrow.Table:
    """Return the columns of `table`, which are those of `schema`, with the types of `schema`.

    Raises ValueError, with the name of the column, if a value would change or does not fit.
    """
    import pyarrow

    columns = []
    for field in schema:
        given = table[field.name]
        cast = given if given.type == field.type else _cast(given, field)
        if not field.nullable and cast.null_count:
            raise _misfit(field, "a value is missing")
        columns.append(cast)
    return pyarrow.Table.from_arrays(columns, schema=schema)


def _cast(given: pyarrow.ChunkedArray, field: pyarrow.Field) -> pyarrow.ChunkedArray:
    import pyarrow

    try:
        cast = given.cast(field.type)
    except (pyarrow.ArrowException, ValueError) as error:
        raise _misfit(field, str(error).rstrip(".")) from error
    for before, after in _leaves(given.combine_chunks(), cast.combine_chunks()):
        reason = _changed(before, after)
        if reason:
            raise _misfit(field, reason)
    return cast


def _misfit(field: pyarrow.Field, reason: str) -> ValueError:
    return ValueError(
        f"The values of the column {field.name!r} do not fit its type {field.type}: {reason}."
    )


def _leaves(given: Any, cast: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of arrays without nesting in both, where the types differ."""
    from pyarrow import types

    if given.type == cast.type:
        return
    lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
    if all(any(is_list(kind) for is_list in lists) for kind in (given.type, cast.type)):
        yield from _leaves(given.flatten(), cast.flatten())
    elif types.is_struct(given.type) and types.is_struct(cast.type):
        for before, after in zip(given.flatten(), cast.flatten(), strict=True):
            yield from _leaves(before, after)
    elif not (types.is_nested(given.type) or types.is_dictionary(given.type)):
        yield given, cast


def _changed(given: Any, cast: Any) -> str:
    """Return how a cast changed values; an empty string if it did not."""
    import pyarrow
    from pyarrow import compute, types

    before, after = given.type, cast.type
    times = types.is_timestamp(before) and types.is_timestamp(after)
    if times and (before.tz is None) != (after.tz is None):
        here, there = ("no", "one") if before.tz is None else ("a", "none")
        return f"they have {here} time zone, and the column has {there}: use `tz_localize` first"
    if _kind(before) != _kind(after) and (_kind(before), _kind(after)) not in _ALLOWED:
        return f"they are of type {before}: convert them first"
    if types.is_floating(before) and types.is_floating(after):
        infinite = compute.and_(compute.is_inf(cast), compute.invert(compute.is_inf(given)))
        return "a value would become infinite" if compute.any(infinite).as_py() else ""
    if not _is_number(before) or not _is_number(after):
        return ""
    try:
        back = cast.cast(before, safe=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return ""
    return "" if back.equals(given) else f"a value of type {before} would change"


# Kinds that are cast to each other: text is parsed as ISO 8601, and booleans are 0 and 1.
_ALLOWED = {
    ("text", "time"),
    ("null", "text"),
    ("null", "number"),
    ("null", "boolean"),
    ("null", "time"),
    ("null", "bytes"),
    ("bytes", "text"),
    ("text", "bytes"),
    ("number", "boolean"),
    ("boolean", "number"),
}


def _kind(kind: pyarrow.DataType) -> str:
    from pyarrow import types

    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_temporal(kind):
        return "time"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    return "null" if types.is_null(kind) else "bytes"


def _is_number(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(bool(is_kind(kind)) for is_kind in (*kinds, types.is_temporal))
