"""The operations on a table with a column of each type."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import h5py
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tiled_client.wire import messages
from tiled_client.wire.structures import TableStructure

from .expected_json import said
from .operations import Answer, Matrix, content, heard, streamed

OCTETS = "data:application/octet-stream;base64,"
ARROW = "application/vnd.apache.arrow.file"


def table_of(column: Any) -> pa.Table:
    """Return a table with a column of numbers, and `column`."""
    metadata = None
    if isinstance(column, tuple):
        column, metadata = column
    kind = pa.field("c", column.type, metadata=metadata)
    schema = pa.schema([pa.field("n", pa.int64()), kind])
    return pa.Table.from_arrays([pa.array(range(len(column))), column], schema=schema)


def run(matrix: Matrix, builders: Mapping[str, Callable[[], Any]]) -> None:
    """Declare a table of each type, write, append, and read it in every way."""
    matrix.container()
    for matrix.case, build in builders.items():
        table = table_of(build())
        structure = TableStructure.from_schema(table.schema)
        if matrix.create(matrix.case, "table", structure.to_json()):
            _written(matrix, table, structure)
    matrix.container_is_whole()


def _written(matrix: Matrix, table: pa.Table, structure: TableStructure) -> None:
    path = f"{matrix.box}/{quote(matrix.case, safe='')}"
    full, part = f"/api/v1/table/full/{path}", f"/api/v1/table/partition/{path}?partition=0"
    nothing = f"{full}?rows=0:0&format="
    matrix.get("nothing in arrow", f"{nothing}arrow", lambda a: _unequal(_arrow(a), table[:0]))
    matrix.get("nothing in hdf5", f"{nothing}hdf5", lambda a: _in_hdf5(a, 0))
    body = ipc(table)
    with heard() as events:
        written = matrix.try_("write", lambda: matrix.send("PUT", full, body, ARROW))
        appended = written and matrix.try_(
            "append", lambda: matrix.send("PATCH", part, body, ARROW)
        )
    if not written:
        return
    whole = pa.concat_tables([table, table]) if appended else table
    _read(matrix, whole, f"{full}?format=")
    some = f"{full}?rows=1:3&format=arrow"
    matrix.get("some in arrow", some, lambda a: _unequal(_arrow(a), whole.slice(1, 2)))
    _column(matrix, whole, path)
    for event in events[:1]:
        _streamed(matrix, table, event, structure)


def _read(matrix: Matrix, table: pa.Table, address: str) -> None:
    matrix.get("arrow", f"{address}arrow", lambda a: _unequal(_arrow(a), table))
    matrix.get("parquet", f"{address}parquet", lambda a: _unequal(_parquet(a), table))
    in_json = {name: said(table[name]) for name in table.column_names}
    matrix.get("json", f"{address}json", lambda a: _differs(orjson.loads(content(a)), in_json))
    rows = [dict(zip(in_json, row, strict=True)) for row in zip(*in_json.values(), strict=True)]
    matrix.get("json-seq", f"{address}json-seq", lambda a: _differs(_sequence(a), rows))
    matrix.get("csv", f"{address}csv", lambda a: _lines(a, table.num_rows))
    for name in ("html", "xlsx"):
        matrix.get(name, f"{address}{name}")
    matrix.get("hdf5", f"{address}hdf5", lambda a: _in_hdf5(a, table.num_rows))


def _column(matrix: Matrix, table: pa.Table, path: str) -> None:
    values = table["c"]
    if getattr(values.type, "extension_name", "") == "arrow.uuid":
        values = values.cast(values.type.storage_type)  # an array has the 16 bytes of each
    in_json = said(values)
    column = f"/api/v1/array/full/{path}/c"

    def equal(answer: Answer) -> str:
        return _differs(orjson.loads(content(answer)), in_json, column=True)

    if matrix.get("column json", f"{column}?format=json", equal):
        for name in ("npy", "csv", "html", "hdf5"):
            matrix.get(f"column {name}", f"{column}?format={name}")
    matrix.get("column metadata", f"/api/v1/metadata/{path}/c")
    matrix.get("zarr 2 of column", f"/zarr/v2/{path}/c/.zarray")
    if matrix.get("zarr 3 of column", f"/zarr/v3/{path}/c/zarr.json"):
        matrix.get("zarr 3 chunk of column", f"/zarr/v3/{path}/c/c/0")


def _streamed(matrix: Matrix, table: pa.Table, event: Any, structure: TableStructure) -> None:
    message = messages.TableData(
        event.mimetype, event.partition, event.append, event.persisted, event.rows
    )
    packed, plain = streamed(message, event.payload, structure)
    with pa.ipc.open_file(pa.py_buffer(packed["payload"])) as reader:
        matrix.say("msgpack", _unequal(reader.read_all(), table))
    in_json = {name: said(table[name]) for name in table.column_names}
    matrix.say("stream json", _differs(plain["payload"], in_json))


def ipc(table: pa.Table) -> bytes:
    """Return the table as an Arrow IPC file."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _arrow(answer: Answer) -> pa.Table:
    return pa.ipc.open_file(pa.py_buffer(content(answer))).read_all()


def _parquet(answer: Answer) -> pa.Table:
    return pq.read_table(io.BytesIO(content(answer)))


def _sequence(answer: Answer) -> list[Any]:
    return [orjson.loads(part) for part in content(answer).split(b"\x1e")[1:]]


def _unequal(found: pa.Table, expected: pa.Table) -> str:
    found.validate(full=True)
    return _differs(
        {name: said(found[name]) for name in found.column_names},
        {name: said(expected[name]) for name in expected.column_names},
    )


def _differs(found: Any, expected: Any, *, column: bool = False) -> str:
    if column:
        found, expected = _as_column(found), _as_column(expected)
    return "" if _same(found, expected) else f"{found} for {expected}"


def _as_column(values: list[Any]) -> list[Any]:
    """Return values so that those of an array compare equal: None for "", numbers as floats."""
    return [_as_element(value) for value in values]


def _as_element(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(OCTETS):
        octets = base64.b64decode(value.removeprefix(OCTETS))
        return _as_element(octets.decode("utf-8" if _is_text(octets) else "latin-1"))
    if isinstance(value, str):
        value = value.rstrip("\0")  # as numpy has it
    if value == "" or not isinstance(value, (bool, int, str)):
        return None if value == "" else value
    try:
        return float(value)
    except ValueError:
        return value


def _is_text(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _same(found: Any, expected: Any) -> bool:
    if isinstance(found, dict) and isinstance(expected, dict):
        return list(found) == list(expected) and all(_same(found[k], expected[k]) for k in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, float) and isinstance(expected, float):
        return found == expected or (math.isnan(found) and math.isnan(expected))
    return bool(found == expected)


def _lines(answer: Answer, rows: int) -> str:
    import csv

    lines = list(csv.reader(io.StringIO(content(answer).decode(), newline="")))
    return "" if len(lines) == rows + 1 else f"{len(lines)} lines for {rows} rows"


def _in_hdf5(answer: Answer, rows: int) -> str:
    with h5py.File(io.BytesIO(content(answer))) as file:
        return "" if len(file["c"][()]) == rows else f"{len(file['c'])} for {rows} rows"
