"""CSV files as arrays: rows are lines, columns are fields.

In a structured array, each line is one record.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ...encoding import Array
from ...errors import Unreadable, Unsupported
from ...regions import Region
from ..datasets import read_datasets
from ..error_translation import to_storage_error
from ..formats import Format
from ..sources import Sources
from .dialect import CsvDialect
from .reader import CsvFile
from .tables import HEADLESS

# Parameters of pandas without effect here: the structure has the dtype.
IGNORED_PARAMETERS = {
    "dtype",
    "header",
    "skiprows",
    "nrows",
    "skipfooter",
    "usecols",
    "names",
    "comment",
}


@dataclass(frozen=True, slots=True)
class LineOptions:
    """The lines of a file, and the fields in them, that make up the array."""

    first: int
    last: int
    max_rows: int | None
    fields: list[int | str] | None
    names: list[str] | None
    header: bool = False

    @property
    def is_record(self) -> bool:
        """True if fields are selected by name."""
        return any(isinstance(field, str) for field in self.fields or ())

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> LineOptions:
        """Read a data source's parameters. Raises Unsupported."""
        if parameters.get("comment") is not None:
            raise Unsupported("CSV files with comments cannot be read as arrays.")
        header = parameters.get("header")
        header = 0 if header in (None, "infer") else _count(header, "header") + 1
        max_rows = parameters.get("nrows")
        return cls(
            first=_count(parameters.get("skiprows") or 0, "skiprows") + header,
            last=_count(parameters.get("skipfooter") or 0, "skipfooter"),
            max_rows=None if max_rows is None else _count(max_rows, "nrows"),
            fields=_list(parameters.get("usecols"), "usecols", int | str),
            names=_list(parameters.get("names"), "names", str),
            header=bool(header),
        )

    def select_columns(self, width: int) -> list[int]:
        """Return the indices of the selected fields of `width`. Raises Unsupported."""
        # The first of several fields of one name is selected.
        places = {name: number for number, name in reversed(list(enumerate(self.names or [])))}
        numbers = [
            field if isinstance(field, int) else places.get(field, width)
            for field in (range(width) if self.fields is None else self.fields)
        ]
        if any(not 0 <= number < width for number in numbers):
            raise Unsupported(f"usecols={self.fields} does not select from {width} fields.")
        return numbers


@dataclass(frozen=True, slots=True)
class CsvArray:
    """The lines of a CSV file from line `first` on, as an array."""

    path: Path
    file: CsvFile
    first: int
    fields: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def region(self, region: Region) -> Array:
        """Read a region."""
        rows, *columns = region
        names = self.fields[columns[0]] if columns else self.fields
        pieces = self.file.tables(
            list(dict.fromkeys(names)), self.first + rows.start, self.first + rows.stop
        )
        make = _matrix if columns else _records
        found: Array = np.concatenate([make(piece, names, self.dtype) for piece in pieces])
        return found[:: rows.step]


def read_csv_array(sources: Sources, structure: ArrayStructure, items: NDSlice) -> Array:
    """Read what `items` select; several files are concatenated."""
    datasets = [_open(path, sources.parameters, structure.dtype) for path in sources.paths]
    return read_datasets(datasets, structure, items)


def _open(path: Path, parameters: Mapping[str, Any], dtype: np.dtype[Any]) -> CsvArray:
    lines = LineOptions.read(parameters)
    plain = {name: value for name, value in parameters.items() if name not in IGNORED_PARAMETERS}
    form = CsvDialect.read(plain, header=False, columns=["0"])
    width = len(_fields_of(path, form, lines.first))
    if lines.is_record and lines.names is None and lines.header:
        lines = replace(lines, names=_fields_of(path, form, lines.first - 1))
    names = [str(number) for number in range(width)]
    form = CsvDialect.read(plain, header=False, columns=names)
    fields = tuple(names[number] for number in lines.select_columns(width))
    kinds = [dtype[name] for name in dtype.names] if dtype.names else [dtype] * len(fields)
    if len(kinds) != len(fields):
        raise Unreadable(f"a line has {len(fields)} fields, but {len(kinds)} are declared.")
    types = dict.fromkeys(names, pa.string()) | dict(zip(fields, map(_type, kinds), strict=True))
    file = CsvFile(path, form, pa.schema(types.items()))
    rows = max(file.count() - lines.first - lines.last, 0)
    rows = rows if lines.max_rows is None else min(rows, lines.max_rows)
    shape = (rows,) if dtype.names else (rows, len(fields))
    return CsvArray(path, file, lines.first, fields, shape, dtype)


def _fields_of(path: Path, form: CsvDialect, number: int) -> list[str]:
    """Return the fields of the line after `number` others, to count or name the columns."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        line = next(islice(csv.reader(file, delimiter=form.delimiter), number, None), None)
    if line is None:
        raise to_storage_error(f"The file {path} ends before line {number + 1}.", [path])
    return line


def _type(dtype: np.dtype[Any]) -> pa.DataType:
    return pa.string() if dtype.kind in "SU" else pa.from_numpy_dtype(dtype.newbyteorder("="))


def _matrix(piece: pa.Table, names: Sequence[str], dtype: np.dtype[Any]) -> Array:
    return np.stack([_column(piece[name]) for name in names], axis=-1)


def _records(piece: pa.Table, names: Sequence[str], dtype: np.dtype[Any]) -> Array:
    records = np.empty(piece.num_rows, dtype)
    for field, name in zip(dtype.names or (), names, strict=True):
        records[field] = _column(piece[name])
    return records


def _column(column: pa.ChunkedArray) -> Array:
    found: Array = column.to_numpy()
    return found.astype("U") if found.dtype.kind == "O" else found


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unsupported(f"CSV files with {name}={value!r:.80} cannot be read as arrays.")
    return value


def _list(value: Any, name: str, kind: Any) -> list[Any] | None:
    listed = isinstance(value, list) and all(isinstance(one, kind) for one in value)
    if value is not None and not listed:
        raise Unsupported(f"CSV files with {name}={value!r:.80} cannot be read as arrays.")
    return value if listed else None


FORMATS = (Format((HEADLESS,), read_array=read_csv_array),)
