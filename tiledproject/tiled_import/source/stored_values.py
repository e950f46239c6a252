"""Data in the storage of Tiled: folders and files, and rows of its SQL tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from catalog.storage import external
from catalog.storage.errors import MissingFile, StorageError
from catalog.storage.files import uri_path
from tiled_client.wire.data_sources import Asset
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure, structure_from_json

from ..errors import NotImportable
from .ragged_rows import CHUNK_COLUMN, chunk_of_row, ragged_form, ragged_row_schema
from .records import SourceData
from .sql_tables import SqlStorages, SqlTable

__all__ = ["SQL_TABLE", "SqlStorages", "StoredValues"]

SQL_TABLE = "application/x-tiled-sql-table"


@dataclass(frozen=True, slots=True)
class StoredValues:
    """The data of one data source that Tiled manages."""

    data: SourceData
    storages: SqlStorages

    def array(self, region: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        """Return a region of an array. Raises NotImportable."""
        structure = structure_from_json(StructureFamily.array, self.data.structure)
        assert isinstance(structure, ArrayStructure)
        try:
            return external.read_array(
                self.data.mimetype or "",
                self.data.assets,
                self.data.parameters,
                structure,
                region,
                readable=self._folders(),
            )
        except (StorageError, WireError) as error:
            raise NotImportable(str(error)) from error

    def tables(self, partition: int) -> Iterator[pa.Table]:
        """Yield the rows of one partition; none if it was never written. Raises NotImportable."""
        structure = structure_from_json(StructureFamily.table, self.data.structure)
        assert isinstance(structure, TableStructure)
        schema = structure.schema()
        if self.data.mimetype == SQL_TABLE:
            yield from self._sql_table(schema).rows(partition)
            return
        try:
            yield from external.iter_table_rows(
                self.data.mimetype or "",
                [asset for asset in self.data.assets if (asset.num or 0) == partition],
                self.data.parameters,
                schema,
                schema.names,
                slice(None),
                readable=self._folders(),
            )
        except MissingFile:
            return  # Tiled lists the files of all partitions before they are written
        except (StorageError, WireError) as error:
            raise NotImportable(str(error)) from error

    def sparse_block(self, number: int, block: tuple[int, ...]) -> pa.Table | None:
        """Return coordinates and values of a block; None if it was never written."""
        path = next((self._path(a) for a in self.data.assets if (a.num or 0) == number), None)
        if path is None or not path.exists():
            return None
        try:
            table = pa.parquet.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise NotImportable(f"{path} cannot be read: {error}") from error
        return table.select([n for n in table.column_names if not n.startswith("__index_level")])

    def buffers(self) -> dict[str, bytes]:
        """Return the buffers of an awkward array; empty if it was never written."""
        try:
            folder = self._path(self.data.assets[0])
            return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
        except (OSError, IndexError) as error:
            raise NotImportable(f"its folder of buffers cannot be read: {error}") from error

    def ragged_chunks(self) -> Iterator[tuple[int, Any]]:
        """Yield the chunks of a ragged array: number, and `awkward.Array`."""
        form = ragged_form(self.data.structure)
        sizes = self.data.structure["chunks"][0] or []
        for table in self._sql_table(ragged_row_schema(form), [CHUNK_COLUMN]).rows(None):
            for row in table.to_pylist():
                number = row[CHUNK_COLUMN]
                yield number, chunk_of_row(form, sizes[number], row)

    def _sql_table(self, schema: pa.Schema, order: list[str] | None = None) -> SqlTable:
        parameters = self.data.parameters
        try:
            by = parameters.get("order_by_args") or ()
            return SqlTable(
                self.storages.connect(self.data.assets[0].data_uri),
                parameters["table_name"],
                int(parameters["dataset_id"]),
                schema,
                tuple((name, "asc") for name in order or ())
                or tuple((str(one["column"]), str(one["direction"])) for one in by),
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise NotImportable(f"its parameters name no SQL table: {error!r}") from error

    def _folders(self) -> list[Path]:
        return sorted({self._path(asset).parent for asset in self.data.assets})

    def _path(self, asset: Asset) -> Path:
        try:
            return uri_path(asset.data_uri).resolve()
        except StorageError as error:
            raise NotImportable(str(error)) from error
