"""Tables as Excel workbooks."""

from __future__ import annotations

import datetime
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from ..services.tables.reading import RowSelection
from ..storage.tables import empty
from .exports import Export, unsupported_data_error, unsupported_shape_error
from .temporary_files import file_chunks, growth
from .text_tables import text_rows, text_table

MOST_ROWS, MAX_COLUMNS = 1_048_576, 16_384
MAX_CELL_CHARACTERS = 32_767
# Spreadsheets store numbers as doubles, which are not exact beyond this integer.
MAX_EXACT_INTEGER = 2**53
MIN_YEAR = 1900
# Number of rows between checks of the size of the temporary file.
ROWS_PER_CHECK = 100


def workbook(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield a workbook of one sheet, with the column names in the first row.

    Numbers and times keep their types. Integers beyond 2**53, infinities, times with a zone and
    times before 1900 become text, since cells cannot store them. NaN and null are empty cells.
    """
    from openpyxl import Workbook

    names = text_table(empty(export.data.schema)).column_names
    if len(names) > MAX_COLUMNS:
        raise unsupported_data_error(
            f"a sheet has at most {MAX_COLUMNS} columns", export.media_type
        )

    def write(file: Any) -> None:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("data")
        try:
            # openpyxl first writes the sheet to a temporary file, several times as large.
            with growth(export.address) as grown:
                for number, row in enumerate(_rows(export, names)):
                    sheet.append([_cell(sheet, value, export.media_type) for value in row])
                    if number % ROWS_PER_CHECK == 0:
                        grown.to(os.path.getsize(sheet._writer.out))
                book.save(file)
        except BaseException:
            _discard(sheet)
            raise

    return file_chunks(write, export.address)


def _discard(sheet: Any) -> None:
    """Remove the temporary file that openpyxl writes a sheet to."""
    with suppress(ValueError):
        sheet.close()
    writer = getattr(sheet, "_writer", None)
    if writer is not None:
        writer.cleanup()


def _rows(export: Export[RowSelection], names: list[str]) -> Iterator[Any]:
    yield names
    count = 1
    for piece in text_rows(export.data):
        count += piece.num_rows
        if count > MOST_ROWS:
            raise unsupported_shape_error((count, len(names)), export.media_type)
        yield from zip(*(column.to_pylist() for column in piece.columns), strict=True)


def _cell(sheet: Any, value: Any, media_type: str) -> Any:
    value = _value(value)
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils.escape import escape

    text = escape(value)
    if len(text) > MAX_CELL_CHARACTERS:
        raise unsupported_data_error(
            f"a cell has at most {MAX_CELL_CHARACTERS} characters", media_type
        )
    cell = WriteOnlyCell(sheet)
    # Set as a string, also if it begins like a formula.
    cell._value, cell.data_type = text, "s"
    return cell


def _value(value: Any) -> Any:
    match value:
        case None | bool() | str() | datetime.time() | Decimal():
            return value
        case int():
            return value if -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER else str(value)
        case float():
            return _float(value)
        case datetime.date():
            return _time(value)
    return str(value)


def _float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _time(value: datetime.date) -> datetime.date | str:
    if getattr(value, "tzinfo", None) is not None or value.year < MIN_YEAR:
        return value.isoformat()
    # A column in nanoseconds has pandas Timestamps, which a cell cannot store.
    return value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
