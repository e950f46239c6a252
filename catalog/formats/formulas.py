"""Protection from CSV injection: strings that a spreadsheet would evaluate as formulas.

A spreadsheet program evaluates CSV cells that begin with `=`, `+`, `-` or `@`, and a formula can
send the content of other cells elsewhere. `text/csv` has all strings unchanged, for programs that
read data. `application/vnd.ms-excel` is for spreadsheets: an apostrophe before such a string
prevents its evaluation.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from core.http.media_types import EXCEL_CSV

from .text_tables import is_text

FIRST = r"^([=+\-@\t\r])"
QUOTED = r"'\1"
_FIRST = re.compile(FIRST)


def is_spreadsheet_csv(media_type: str) -> bool:
    """Return whether a format is CSV for spreadsheets."""
    return media_type == EXCEL_CSV


def escape_formulas(table: pa.Table) -> pa.Table:
    """Return the rows with formulas escaped in strings and column names."""
    columns = [
        pc.replace_substring_regex(column.cast(pa.large_string()), FIRST, QUOTED)
        if is_text(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=[escape_formula(name) for name in table.column_names])


def escape_formula(text: str) -> str:
    """Return a string that is not evaluated as a formula."""
    return _FIRST.sub(QUOTED, text)
