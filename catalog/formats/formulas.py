"""Texts that a spreadsheet would take for formulas.

A program that opens CSV as a spreadsheet calculates a cell that begins with `=`, `+`, `-` or `@`,
and a formula can send what is in other cells elsewhere. `text/csv` has every text exactly as it is
stored, for programs that read data. What is asked for as `application/vnd.ms-excel` is for
spreadsheets: there an apostrophe before such a text makes it one that is shown and not calculated.
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
    """Return whether a format is CSV that is meant for a spreadsheet."""
    return media_type == EXCEL_CSV


def escape_formulas(table: pa.Table) -> pa.Table:
    """Return the rows, in which no text or name of a column is a formula; numbers stay."""
    columns = [
        pc.replace_substring_regex(column.cast(pa.large_string()), FIRST, QUOTED)
        if is_text(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=[escape_formula(name) for name in table.column_names])


def escape_formula(text: str) -> str:
    """Return a text that is no formula."""
    return _FIRST.sub(QUOTED, text)
