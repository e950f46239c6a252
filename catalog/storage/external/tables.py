"""Tables from external files, one file per partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tiled_client.wire.data_sources import Asset
from tiled_client.wire.structure_family import StructureFamily

from .formats import TableOpener
from .reader_results import as_tables
from .registry import format_of
from .sources import Sources


def check_table(mimetype: str, schema: pa.Schema, parameters: Mapping[str, Any]) -> None:
    """Raise Unsupported for a mimetype, schema or parameters that cannot be read."""
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
    """Yield the columns `names` of the range `rows` in `assets`, chunk by chunk.

    Raises Unsupported, OutsideReadable, MissingFile, NotReady (still being written), Unreadable
    (not as declared), NoSuchRows.
    """
    check_table(mimetype, schema, parameters)
    wanted = {
        "mimetype": mimetype,
        "schema": schema.serialize().to_pybytes(),
        "names": list(names),
    }
    return as_tables("rows", Sources.of(assets, parameters, readable), wanted, rows)


def _opener(mimetype: str) -> TableOpener:
    opener = format_of(mimetype, StructureFamily.table).open_table
    assert opener is not None
    return opener
