"""Tables as Arrow, Parquet, CSV, JSON and JSON text sequences."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tiled_client.wire.json_columns import column_to_json

from ..services.tables.reading import RowSelection
from ..storage.parquet_export import parquet_chunks
from ..storage.tables import empty, has_empty_lists, ipc_chunks, serialize_ipc, slice_batch
from .exports import Body, Export, unsupported_data_error
from .formulas import escape_formula, escape_formulas, is_spreadsheet_csv
from .json_pieces import json_of, table_json
from .registry import formats
from .shared_values import bounded_slices
from .temporary_files import file_chunks
from .text_tables import text_rows, without_unnamed_index

# Larger tables are streamed in slices of this size.
MAX_SLICE_BYTES = 8 << 20
RECORD, END = b"\x1e", b"\n"


def as_rows(export: Export[Any], table: pa.Table) -> Body:
    """Write `table` instead of the export's data, with the table exporter of its format."""
    whole = Export(
        RowSelection.from_table(table),
        export.media_type,
        key=export.key,
        metadata=export.metadata,
        specs=export.specs,
        parameters=export.parameters,
        address=export.address,
    )
    return formats().exporter("table", export.media_type)(whole)


def arrow(export: Export[RowSelection]) -> Body:
    """Return an Arrow IPC file; a large one is streamed."""
    rows = export.data
    table = rows.read()
    if table.nbytes <= MAX_SLICE_BYTES:
        return serialize_ipc(table)
    if rows.reread_bytes is not None and table.nbytes > rows.reread_bytes:
        # Not loaded yet: stream it, so that each table is released after it was sent.
        return ipc_chunks(table.schema, rows.pieces())
    return ipc_chunks(table.schema, _slices(table))


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    for batch in table.to_batches():
        for piece in slice_batch(batch):
            yield pa.Table.from_batches([piece])


def json(export: Export[RowSelection]) -> Body:
    """Return a JSON object with a list per column; a large one is streamed."""
    return table_json(without_unnamed_index(export.data.read()))


def parquet(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield a Parquet file, with a row group for each table."""
    check_parquet(export.data.schema, export.media_type)

    def write(file: Any) -> None:
        for piece in parquet_chunks(export.data.schema, export.data.pieces()):
            file.write(piece)

    return file_chunks(write, export.address)


def check_parquet(schema: pa.Schema, media_type: str) -> None:
    """Raise NotAcceptable for types that crash pyarrow when it writes them to Parquet."""
    for field in schema:
        if has_empty_lists(field.type):
            raise unsupported_data_error(
                f"lists in {field.name!r} have the fixed size 0", media_type
            )


def separated(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield a line for each row, after a header line unless `header=absent`."""
    header = export.parameters.get("header") != "absent"
    pieces, schema = text_rows(export.data), export.data.schema
    if is_spreadsheet_csv(export.media_type):
        pieces = map(escape_formulas, pieces)
        schema = pa.schema([field.with_name(escape_formula(field.name)) for field in schema])
    return separated_pieces(schema, pieces, header=header)


def separated_pieces(
    schema: pa.Schema, pieces: Iterable[pa.Table], *, header: bool
) -> Iterator[bytes]:
    """Yield lines of the rows of `pieces`, whose types CSV can represent."""
    for piece in pieces:
        yield _csv(piece, header)
        header = False
    if header:
        names = without_unnamed_index(empty(schema)).column_names
        yield _csv(pa.table({name: pa.array([], pa.string()) for name in names}), header)


def json_sequence(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield an object for each row, as a JSON text sequence (RFC 7464)."""
    for piece in bounded_slices(export.data.pieces()):
        table = without_unnamed_index(piece)
        rows = zip(*map(column_to_json, table.columns), strict=True)
        names = table.column_names
        yield b"".join(RECORD + json_of(dict(zip(names, row, strict=True))) + END for row in rows)


def _csv(table: pa.Table, header: bool) -> bytes:
    sink = io.BytesIO()
    options = pyarrow.csv.WriteOptions(include_header=header)
    pyarrow.csv.write_csv(table, sink, options)
    return sink.getvalue()
