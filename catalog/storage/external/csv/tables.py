"""External CSV files as tables."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from ...tables.schemas import UNNAMED_INDEX
from ..error_translation import to_storage_error
from ..formats import Format, Inspected
from ..recently_modified import is_being_written
from ..rows import TableFile
from ..sources import Sources
from .dialect import CsvDialect
from .reader import CsvFile
from .row_boundaries import count_rows

CSV, HEADLESS = "text/csv", "text/csv;header=absent"
# Bytes of a file that are read to infer the column types.
INSPECTED_BYTES = 16 * 1024 * 1024


def open_csv(
    path: Path, schema: pa.Schema, parameters: Mapping[str, Any], *, header: bool = True
) -> TableFile:
    """Open a CSV file; `header` is the default for the parameter of this name."""
    # A file without a header does not contain the index that pandas has added to the schema.
    columns = [name for name in schema.names if not UNNAMED_INDEX.fullmatch(name)]
    form = CsvDialect.read(parameters, header=header, columns=columns)
    return CsvFile(path, form, schema)


def inspect_csv(sources: Sources, mimetype: str) -> Inspected:
    """Return the schema from the first rows of the first file, and the number of rows of all."""
    schema = _infer_schema(sources.paths[0], header=mimetype != HEADLESS)
    structure = TableStructure.from_schema(schema, npartitions=len(sources.paths))
    files = (open_csv(path, schema, {}, header=mimetype != HEADLESS) for path in sources.paths)
    rows = sum(file.count() for file in files)
    return Inspected(StructureFamily.table, mimetype, structure, rows=rows)


def _infer_schema(path: Path, *, header: bool) -> pa.Schema:
    with path.open("rb") as file:
        head = file.read(INSPECTED_BYTES)
    head = _whole_rows(path, head)
    if not head:
        raise to_storage_error(f"The file {path} has no complete line.", [path])
    parsing = pa.csv.ParseOptions(newlines_in_values=b'"' in head)
    reading = pa.csv.ReadOptions(
        block_size=len(head) + 1, use_threads=False, autogenerate_column_names=not header
    )
    found = pa.csv.read_csv(pa.BufferReader(head), reading, parsing).schema
    # Strings may follow in a column that is empty so far.
    fields = [
        field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in found
    ]
    return pa.schema(fields)


def _whole_rows(path: Path, head: bytes) -> bytes:
    """Return the complete rows: a last line without a line feed may be half of one."""
    if len(head) < INSPECTED_BYTES and not is_being_written([path]):
        return head
    return head[: count_rows(head).size]


FORMATS = (
    Format(
        (CSV, "text/csv;header=present", "multipart/related;type=text/csv"),
        (".csv",),
        open_table=open_csv,
        inspect=inspect_csv,
    ),
    Format((HEADLESS,), open_table=partial(open_csv, header=False), inspect=inspect_csv),
)
