"""Excel workbooks: a container of tables, one for each sheet. Its first row is the header."""

from __future__ import annotations

import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tiled_client.wire.families import StructureFamily
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..encoding import Array
from ..errors import NoSuchEntry, NoSuchRows, Unreadable
from .formats import Entry, Format, Inspected, Tree
from .sources import Sources

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A workbook is compressed, and takes many times its text in memory.
LARGEST_TEXT = 256 * 1024 * 1024
MOST_KEPT = 4

Sheets = dict[str, pa.Table]
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Workbook:
    """The sheets of a workbook, all of them read."""

    sheets: Sheets

    def names(self, keys: Sequence[str]) -> list[str]:
        """The names of the sheets."""
        if keys:
            raise NoSuchEntry(f"{'/'.join(keys)} is no group.")
        return list(self.sheets)

    def entry(self, keys: Sequence[str]) -> Entry:
        """The workbook, or a sheet."""
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
        return self.sheets[keys[0]]


class Workbooks:
    """The workbooks that were asked for last: to read one takes seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, tuple[Stamp, Sheets]] = OrderedDict()

    def get(self, path: Path) -> Sheets:
        """The sheets of a file, read anew when it is another one."""
        status = path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or kept[0] != stamp:
                kept = self._kept[path] = (stamp, _read(path))
            self._kept.move_to_end(path)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return kept[1]


WORKBOOKS = Workbooks()


@contextmanager
def open_workbook(sources: Sources) -> Iterator[Tree]:
    """Read a workbook, unless it is still known."""
    yield Workbook(WORKBOOKS.get(sources.paths[0]))


def inspect_workbook(sources: Sources, mimetype: str) -> Inspected:
    """A container."""
    WORKBOOKS.get(sources.paths[0])
    return Inspected(StructureFamily.container, mimetype, None)


def _read(path: Path) -> Sheets:
    import pandas

    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST_TEXT:
        raise Unreadable(f"it unpacks to {size} bytes; {LARGEST_TEXT} is the most that is read.")
    sheets = pandas.read_excel(path, sheet_name=None, engine="openpyxl")
    return {str(name): _table(frame) for name, frame in sheets.items()}


def _table(frame: object) -> pa.Table:
    """A sheet as a table; a column of mixed kinds is one of texts."""
    import pandas

    assert isinstance(frame, pandas.DataFrame)
    columns = {}
    for number, name in enumerate(frame.columns):
        # Only texts can be names, and none begins with an underscore.
        title = str(name).lstrip("_") or f"column {number}"
        title = title if title not in columns else f"{title} ({number})"
        try:
            column = pa.Array.from_pandas(frame.iloc[:, number])
        except pa.ArrowException:
            texts = [None if pandas.isna(value) else str(value) for value in frame.iloc[:, number]]
            column = pa.array(texts, pa.string())
        columns[title] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return pa.table(columns)


FORMATS = (Format((XLSX,), (".xlsx",), open_tree=open_workbook, inspect=inspect_workbook),)
