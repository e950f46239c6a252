"""Excel workbooks: a container of tables, one per sheet, with the first row as header.

Cells keep their types: strings such as `NA`, `None` or `007` stay strings. Empty cells and errors
(`#DIV/0!`) become nulls; formulas have the values that were saved with them.
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

from ..bucket_files.paths import ObjectPath
from ..encoding import Array
from ..errors import NoSuchEntry, NoSuchRows, Unreadable
from .formats import Entry, Format, Inspected, Tree
from .sources import Sources

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Limit of the unpacked XML: reading it takes many times its size in memory.
MAX_TEXT_BYTES = 128 * 1024 * 1024
# A cell far right and one far down make a sheet as large as the format allows.
MAX_CELLS = 10_000_000
MAX_CACHED_BYTES = 64 * 1024 * 1024

Place = tuple[Path, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook, whose sheets are read on demand."""

    path: Path
    sheets: list[str]

    def names(self, keys: Sequence[str]) -> list[str]:
        """Return the names of the sheets."""
        if keys:
            raise NoSuchEntry(f"{'/'.join(keys)} is not a group.")
        return self.sheets

    def entry(self, keys: Sequence[str]) -> Entry:
        """Return the workbook, or a sheet."""
        if not keys:
            return Entry(StructureFamily.container)
        structure = TableStructure.from_schema(self._sheet(keys).schema)
        return Entry(StructureFamily.table, structure)

    def read_array(self, keys: Sequence[str], structure: ArrayStructure, items: NDSlice) -> Array:
        """Raise NoSuchEntry."""
        raise NoSuchEntry(f"{'/'.join(keys)} is not an array.")

    def read_table(
        self, keys: Sequence[str], names: Sequence[str], rows: slice
    ) -> Iterator[pa.Table]:
        """Yield rows of a sheet."""
        sheet = self._sheet(keys)
        start, stop = rows.start or 0, sheet.num_rows if rows.stop is None else rows.stop
        if max(start, stop) > sheet.num_rows:
            raise NoSuchRows(f"Rows {start}:{stop} were requested, but there are {sheet.num_rows}.")
        yield sheet.select(names).slice(start, stop - start)

    def _sheet(self, keys: Sequence[str]) -> pa.Table:
        if len(keys) != 1 or keys[0] not in self.sheets:
            raise NoSuchEntry(f"There is no sheet {'/'.join(keys)}.")
        return SHEETS.get(self.path, keys[0])


class SheetCache:
    """The most recently used sheets, since reading one may take seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Place, pa.Table] = OrderedDict()

    def get(self, path: Path, name: str) -> pa.Table:
        """Return a sheet, reading it again if the file was replaced."""
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
    """Open a workbook and list its sheets."""
    yield Workbook(sources.paths[0], _sheet_names(sources.paths[0]))


def inspect_workbook(sources: Sources, mimetype: str) -> Inspected:
    """Describe the workbook as a container."""
    _sheet_names(sources.paths[0])
    return Inspected(StructureFamily.container, mimetype, None)


def _open(path: Path) -> Any:
    """Open a workbook for reading values row by row."""
    from openpyxl.chartsheet import Chartsheet
    from openpyxl.reader.excel import ExcelReader

    class Reader(ExcelReader):
        def read_chartsheet(self, sheet: Any, rel: Any) -> None:
            """Replace a chart sheet by an empty one, to keep the numbers that names refer to.

            openpyxl fails to read a chart sheet without a drawing.
            """
            chart = Chartsheet(parent=self.wb)
            chart.title = sheet.name
            self.wb._add_sheet(chart)

    source: Any = path.open("rb") if isinstance(path, ObjectPath) else path
    reader = Reader(source, read_only=True, data_only=True, keep_links=False)
    reader.read()
    # Include sheets that the workbook names, but does not contain.
    reader.wb.names = [sheet.name for sheet, rel in reader.parser.find_sheets() if _has_cells(rel)]
    return reader.wb


def _has_cells(relation: Any) -> bool:
    return not relation.Type.endswith("/chartsheet")


def _sheet_names(path: Path) -> list[str]:
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_TEXT_BYTES:
        raise Unreadable(f"it unpacks to {size} bytes; the limit is {MAX_TEXT_BYTES}.")
    workbook = _open(path)
    try:
        return list(workbook.names)
    finally:
        workbook.close()


def _read(path: Path, name: str) -> pa.Table:
    """Read a sheet as a table; a column of mixed types becomes strings."""
    workbook = _open(path)
    try:
        if name not in workbook.sheetnames:
            raise Unreadable(f"the workbook has no data for the sheet {name!r}.")
        sheet = workbook[name]
        # The declared size of a sheet may be wrong.
        sheet.reset_dimensions()
        rows = [[_value(cell) for cell in row] for row in sheet.iter_rows()]
    finally:
        workbook.close()
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    width = max(map(len, rows), default=0)
    if len(rows) * width > MAX_CELLS:
        raise Unreadable(
            f"the sheet {name!r} has {len(rows)} rows and {width} columns; the limit is "
            f"{MAX_CELLS} cells. Delete empty rows and columns."
        )
    header, *lines = [row + [None] * (width - len(row)) for row in rows] or [[]]
    columns = [_column([line[number] for line in lines]) for number in range(width)]
    return pa.table(dict(zip(_titles(header), columns, strict=True)))


def _value(cell: Any) -> Any:
    return None if cell.data_type == "e" else cell.value


def _titles(header: Sequence[Any]) -> list[str]:
    """Return column names that are unique strings without a leading underscore."""
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
