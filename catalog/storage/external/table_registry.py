"""Which formats of external tables can be read, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from tiled_client.wire.data_sources import Asset

from ..errors import Unsupported
from ..tables.schemas import UNNAMED_INDEX
from .arrow_files import ArrowFile
from .csv_files import CsvFile
from .csv_form import CsvForm
from .parquet_files import ParquetFile
from .rows import FilePartition, TableFile, TableOpener, iter_file_rows
from .uris import resolve_uri


def _csv(
    path: Path, schema: pa.Schema, parameters: Mapping[str, Any], *, header: bool = True
) -> TableFile:
    # The index that pandas has added to the schema is in no file without a header.
    columns = [name for name in schema.names if not UNNAMED_INDEX.fullmatch(name)]
    form = CsvForm.read(parameters, header=header, columns=columns)
    return CsvFile(path, form, schema)


def _parquet(path: Path, schema: pa.Schema, parameters: Mapping[str, Any]) -> TableFile:
    return ParquetFile(path)


def _arrow(path: Path, schema: pa.Schema, parameters: Mapping[str, Any]) -> TableFile:
    return ArrowFile(path)


TABLE_OPENERS: dict[str, TableOpener] = {
    "text/csv": _csv,
    "text/csv;header=present": _csv,
    "text/csv;header=absent": partial(_csv, header=False),
    "multipart/related;type=text/csv": _csv,
    "application/x-parquet": _parquet,
    "application/vnd.apache.arrow.file": _arrow,
}


def check_table(mimetype: str, schema: pa.Schema, parameters: Mapping[str, Any]) -> None:
    """Raise Unsupported for files that could not be read once they are there."""
    _opener(mimetype)(Path(), schema, parameters)


def iter_table_rows(
    mimetype: str,
    assets: Iterable[Asset],
    parameters: Mapping[str, Any],
    schema: pa.Schema,
    names: Sequence[str],
    rows: slice,
    *,
    readable: Sequence[Path],
) -> Iterator[pa.Table]:
    """Columns `names` of the rows number `rows` in `assets`, in their order, piece by piece.

    Raises Unsupported, OutsideReadable, MissingFile, NotReady (still being written), Unreadable
    (not what was declared), NoSuchRows.
    """
    opener = _opener(mimetype)
    ordered = sorted(assets, key=lambda asset: asset.num or 0)
    paths = [resolve_uri(asset.data_uri, readable) for asset in ordered]
    partitions = [FilePartition(path, opener(path, schema, parameters), schema) for path in paths]
    return iter_file_rows(partitions, names, rows)


def _opener(mimetype: str) -> TableOpener:
    opener = TABLE_OPENERS.get(mimetype)
    if opener is None:
        raise Unsupported(f"Files of type {mimetype} cannot be read.")
    return opener
