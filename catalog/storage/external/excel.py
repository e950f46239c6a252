"""Excel workbooks: a container of tables, one for each sheet. Its first row is the header.

A cell is what the workbook says it is: texts such as `NA`, `None` or `007` stay texts. Empty cells
and errors (`#DIV/0!`) are nulls; of formulas, the values that were saved with them are read.
"""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..encoding import Array
from ..errors import NoSuchEntry, NoSuchRows, Unreadable
from .formats import Entry, Format, Inspected, Tree
from .sources import Sources

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A workbook is compressed, and takes many times its text in memory while it is read.
MAX_TEXT_BYTES = 128 * 1024 * 1024
# One cell far right and one far down make a sheet as large as the format allows.
MAX_CELLS = 10_000_000
MAX_CACHED_BYTES = 64 * 1024 * 1024

Place = tuple[Path, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook, the sheets of which are read when they are asked for."""

    path: Path
    sheets: list[str]

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names of the sheets."""
        if keys:
            raise NoSuchEntry(f"{'/'.join(keys)} is no group.")
        return self.sheets

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return the workbook, or a sheet."""
        if not keys:
            return Entry(StructureFamily.container)
        structure = TableStructure.from_schema(self._sheet(keys).schema)
        return Entry(StructureFamily.table, structure)

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """There are none."""
        raise NoSuchEntry(f"{'/'.join(keys)} is no array.")

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Rows of a sheet."""
        sheet = self._sheet(keys)
        start, stop = rows.start or 0, sheet.num_rows if rows.stop is None else rows.stop
        if max(start, stop) > sheet.num_rows:
            raise NoSuchRows(f"Of the rows {start}:{stop} there are {sheet.num_rows} so far.")
        yield sheet.select(names).slice(start, stop - start)

    def _sheet(self, keys: Sequence[str]) -> pa.Table:
        if len(keys) != 1 or keys[0] not in self.sheets:
            raise NoSuchEntry(f"There is no sheet {'/'.join(keys)}.")
        return SHEETS.get(self.path, keys[0])


class SheetCache:
    """The sheets that were asked for last: to read one may take seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Place, pa.Table] = OrderedDict()

    def get(self, path: Path, name: str) -> pa.Table:
        """Return a sheet, read anew when the file is another one."""
        status = path.stat()
        place = (path, status.st_ino, status.st_mtime_ns, status.st_size, name)
        with self._lock:
            sheet = self._kept.pop(place, None)
        if sheet is None:
            sheet = _read(path, name)
        with self._lock:
            self._kept[place] = sheet
            while sum(one.nbytes for one in self._kept.values()) > MAX_CACHED_BYTES:
                self._kept.popitem(last=False)
        return sheet


SHEETS = SheetCache()


@contextmanager
def open_workbook(sources: Sources) -> Iterator[Tree]:
    """Look which sheets there are."""
    yield Workbook(sources.paths[0], _sheet_names(sources.paths[0]))


def inspect_workbook(sources: Sources, mimetype: str) -> Inspected:
    """Return a container."""
    _sheet_names(sources.paths[0])
    return Inspected(StructureFamily.container, mimetype, None)


def _open(path: Path) -> Any:
    """Open a workbook, with its cells' values, for reading row by row."""
    from openpyxl.chartsheet import Chartsheet
    from openpyxl.reader.excel import ExcelReader

    class Reader(ExcelReader):
        def read_chartsheet(self, sheet: Any, rel: Any) -> None:
            """Put an empty one in the place of a sheet that is a chart, and has no cells.

            Without a drawing, reading it fails. Names refer to sheets by their number.
            """
            chart = Chartsheet(parent=self.wb)
            chart.title = sheet.name
            self.wb._add_sheet(chart)

    reader = Reader(path, read_only=True, data_only=True, keep_links=False)
    reader.read()
    # Also those of which the workbook has nothing but the name.
    reader.wb.names = [sheet.name for sheet, rel in reader.parser.find_sheets() if _has_cells(rel)]
    return reader.wb


def _has_cells(relation: Any) -> bool:
    return not relation.Type.endswith("/chartsheet")


def _sheet_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_TEXT_BYTES:
        raise Unreadable(f"it unpacks to {size} bytes; {MAX_TEXT_BYTES} is the most that is read.")
    workbook = _open(path)
    try:
        return list(workbook.names)
    finally:
        workbook.close()


def _read(path: Path, name: str) -> pa.Table:
    """Return a sheet as a table; a column of mixed kinds is one of texts."""
    workbook = _open(path)
    try:
        if name not in workbook.sheetnames:
            raise Unreadable(f"the workbook has no cells for the sheet {name!r}.")
        sheet = workbook[name]
        # What a sheet says of its size is not always so.
        sheet.reset_dimensions()
        rows = [[_value(cell) for cell in row] for row in sheet.iter_rows()]
    finally:
        workbook.close()
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    if len(rows) * width > MAX_CELLS:
        raise Unreadable(
            f"the sheet {name!r} has {len(rows)} rows and {width} columns, most of them empty, "
            f"perhaps; {MAX_CELLS} cells are the most that is read."
        )
    header, *lines = [row + [None] * (width - len(row)) for row in rows] or [[]]
    columns = [_column([line[number] for line in lines]) for number in range(width)]
    return pa.table(dict(zip(_titles(header), columns, strict=True)))


def _value(cell: Any) -> Any:
    return None if cell.data_type == "e" else cell.value


def _titles(header: Sequence[Any]) -> list[str]:
    """Names of columns: each a text, begun by no underscore, and no other's."""
    titles: list[str] = []
    for number, value in enumerate(header):
        wanted = f"Unnamed: {number}" if value is None else str(value)
        wanted = wanted.lstrip("_") or f"column {number}"
        title, again = wanted, 0
        while title in titles:
            again += 1
            title = f"{wanted}.{again}"
        titles.append(title)
    return titles


def _column(values: list[Any]) -> pa.Array:
    try:
        column = pa.array(values)
    except (pa.ArrowException, OverflowError):
        texts = [None if value is None else str(value) for value in values]
        return pa.array(texts, pa.string())
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


FORMATS = (Format((XLSX,), (".xlsx",), open_tree=open_workbook, inspect=inspect_workbook),)
