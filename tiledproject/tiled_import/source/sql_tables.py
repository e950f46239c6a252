"""Rows of Tiled's SQL tables, in SQLite, DuckDB or PostgreSQL, as Arrow.

Column names are in lower case in the database. Rows of all nodes with the same columns are in one
table: `_dataset_id` says which node a row belongs to, `_partition_id` which partition.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psycopg
import pyarrow as pa
from psycopg.sql import SQL

from ..errors import NotImportable
from .database import without_password

BATCH_ROWS = 10_000
NO_DUCKDB = (
    "its rows are in DuckDB, which is not installed here: run "
    "pip install 'tiled-stream[tiled-import]', and import again"
)


@dataclass(frozen=True, slots=True)
class SqlConnection:
    """An open connection, and the kind of the database."""

    kind: str
    connection: Any


@dataclass(slots=True)
class SqlStorages:
    """Connections to the SQL storages of Tiled, opened at first use.

    `configured` are URIs with credentials, which the URIs of assets lack; a PostgreSQL database is
    found among them by its name.
    """

    configured: Sequence[str] = ()
    _open: dict[str, SqlConnection] = field(default_factory=dict)

    def connect(self, data_uri: str) -> SqlConnection:
        """Return a connection to the database that an asset names. Raises NotImportable."""
        if data_uri not in self._open:
            self._open[data_uri] = self._connect(data_uri)
        return self._open[data_uri]

    def close(self) -> None:
        """Close all connections."""
        for opened in self._open.values():
            opened.connection.close()
        self._open.clear()

    def _connect(self, data_uri: str) -> SqlConnection:
        kind = data_uri.partition(":")[0].partition("+")[0]
        try:
            if kind in ("postgresql", "postgres"):
                return SqlConnection("postgresql", psycopg.connect(self._with_login(data_uri)))
            path = Path(unquote(urlsplit(data_uri).path)[1:])
            if kind not in ("sqlite", "duckdb"):
                raise NotImportable(f"its rows are in an unknown database, {data_uri}")
            if not path.is_file():
                raise NotImportable(f"its rows are in {path}, which does not exist")
            if kind == "sqlite":
                opened: Any = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
            else:
                opened = _open_duckdb(path)
            return SqlConnection(kind, opened)
        except (sqlite3.Error, psycopg.Error, OSError) as error:
            raise NotImportable(
                f"its rows are in {without_password(data_uri)}, which cannot be opened "
                f"({_line(error)}); name the database with a password in --sql-storage"
            ) from error

    def _with_login(self, data_uri: str) -> str:
        wanted = _database_name(data_uri)
        for uri in self.configured:
            if uri.startswith("postgres") and _database_name(uri) == wanted:
                scheme, _, rest = uri.partition("://")
                return f"{scheme.partition('+')[0]}://{rest}"
        return data_uri


@dataclass(frozen=True, slots=True)
class SqlTable:
    """The rows of one node in a table, in the columns of `schema`."""

    opened: SqlConnection
    name: str
    dataset: int
    schema: pa.Schema
    order: tuple[tuple[str, str], ...] = ()

    def rows(self, partition: int | None) -> Iterator[pa.Table]:
        """Yield the rows of a partition, or all, in order, in tables. Raises NotImportable."""
        try:
            yield from self._rows(self._statement(partition))
        except (sqlite3.Error, psycopg.Error, pa.ArrowException, ValueError) as error:
            raise NotImportable(f"its SQL table {self.name}: {_line(error)}") from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("duckdb", "_duckdb"):
                raise
            raise NotImportable(f"its SQL table {self.name}: {_line(error)}") from error

    def _statement(self, partition: int | None) -> str:
        columns = ", ".join(_quoted(name.lower()) for name in self.schema.names)
        only = "" if partition is None else f" AND _partition_id = {int(partition)}"
        order = [
            f"{_quoted(name.lower())} {'DESC' if way.lower() == 'desc' else 'ASC'}"
            for name, way in self.order
        ]
        # In the order of insertion, which all three keep in a hidden column.
        order.append("ctid" if self.opened.kind == "postgresql" else "rowid")
        return (
            f"SELECT {columns} FROM {_quoted(self.name)} "  # noqa: S608  quoted, or a number
            f"WHERE _dataset_id = {int(self.dataset)}{only} ORDER BY {', '.join(order)}"
        )

    def _rows(self, statement: str) -> Iterator[pa.Table]:
        connection = self.opened.connection
        if self.opened.kind == "duckdb":
            result = connection.cursor().execute(statement)
            for batch in result.fetch_record_batch(BATCH_ROWS):
                table = pa.Table.from_batches([batch]).rename_columns(self.schema.names)
                yield table.cast(self.schema)
            return
        if self.opened.kind == "sqlite":
            yield from self._fetched(connection.execute(statement))
            return
        # A named cursor, so that the rows are not all in memory.
        with connection.transaction(), connection.cursor(name="tiled_import") as cursor:
            cursor.execute(SQL(statement))
            yield from self._fetched(cursor)

    def _fetched(self, cursor: Any) -> Iterator[pa.Table]:
        while rows := cursor.fetchmany(BATCH_ROWS):
            columns = zip(*rows, strict=True)
            arrays = [
                pa.array(_values(values, one), type=one.type)
                for values, one in zip(columns, self.schema, strict=True)
            ]
            yield pa.Table.from_arrays(arrays, schema=self.schema)


def _values(values: Sequence[Any], one: pa.Field) -> Sequence[Any]:
    """Return values that SQLite has in another type as those of the column."""
    if pa.types.is_boolean(one.type):
        return [None if value is None else bool(value) for value in values]
    if pa.types.is_decimal(one.type):
        return [None if value is None else Decimal(value) for value in values]
    if pa.types.is_floating(one.type):
        # SQLite has NULL for NaN.
        missing = None if one.nullable else float("nan")
        return [missing if value is None else float(value) for value in values]
    return values


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise NotImportable(NO_DUCKDB) from None
    return duckdb


def _open_duckdb(path: Path) -> Any:
    duckdb = _duckdb()
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise NotImportable(
            f"its rows are in {path}, which cannot be opened ({_line(error)}); another process "
            "must not have it open: stop Tiled"
        ) from error


def _database_name(uri: str) -> str:
    parts = urlsplit(uri)
    named = [pair for pair in parts.query.split("&") if pair.startswith("dbname=")]
    return unquote(named[0].partition("=")[2] if named else parts.path.lstrip("/"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _line(error: Exception) -> str:
    with suppress(IndexError):
        return str(error).strip().splitlines()[0].rstrip(".")
    return type(error).__name__
