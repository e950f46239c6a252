"""Client object of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import tables
from ..arguments import whole_number
from ..http.operations import operation, run
from ..http.request import Body
from ..stream.updates import TableReference
from ..uris import path_text, query_of
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from ..wire.structures import TableStructure
from .classes import DASK
from .data_node import DataNode
from .display.brief import briefly
from .display.texts import joined, listed, reason
from .exporting import ExportRequest, File, name_list
from .table_reading import TableReading

if TYPE_CHECKING:
    import pyarrow


class TableOperations(TableReading):
    """A table, as both clients have it."""

    _structure_class = TableStructure
    _has_columns = True

    @operation
    async def export(
        self,
        file: File,
        columns: Sequence[str] | None = None,
        *,
        format: str | None = None,
        partition: int | None = None,
    ) -> None:
        """Export all rows, or those of one partition; see `Node.export`.

        Parameters
        ----------
        file
            A path, or a file object to write bytes to.
        columns
            The columns to export; by default all.
        format
            File extension or media type; by default the extension of the path.
        partition
            The number of the partition.
        """
        if partition is not None:
            partition = whole_number(partition, "partition", minimum=0)
        params = {} if partition is None else {"partition": partition}
        endpoint = "table/partition" if params else "table/full"
        await self._export(
            ExportRequest(endpoint, params, "column", name_list(self._names(columns))), file, format
        )

    @operation
    async def write(self, rows: tables.Rows, *, persist: bool = True) -> None:
        """Replace all rows.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        persist
            If False, the rows are streamed to subscribers and not stored.

        Raises
        ------
        ValueError
            If columns are missing or unknown, or values do not fit their types.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
        >>> t.write({"time": [2], "counts": [9]})
        >>> len(t)
        1
        """
        await self._write(rows, persist=persist)

    async def _write(self, rows: tables.Rows, *, persist: bool = True) -> None:
        await self._send("PUT", "table/full", self._encode(rows), tables.ARROW, persist=persist)

    @operation
    async def write_partition(
        self, partition: int, rows: tables.Rows, *, persist: bool = True
    ) -> None:
        """Replace the rows of one partition.

        Parameters
        ----------
        partition
            The number of the partition.
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        ValueError
            If columns are missing or unknown, or values do not fit their types.
        """
        params = {"partition": whole_number(partition, "partition", minimum=0)}
        body = self._encode(rows)
        await self._send("PUT", "table/partition", body, tables.ARROW, params, persist=persist)

    @operation
    async def append_partition(
        self, partition: int, rows: tables.Rows, *, persist: bool = True
    ) -> None:
        """Add rows to one partition, exactly once even if the request is repeated.

        Parameters
        ----------
        partition
            The number of the partition.
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        persist
            If False, the rows are streamed to subscribers and not stored.

        Raises
        ------
        TransportError
            If the connection broke before the response, and the server does not support
            idempotency keys: the rows may be stored or not.
        """
        await self._append(partition, rows, persist=persist)

    async def _append(self, partition: int, rows: tables.Rows, *, persist: bool = True) -> None:
        await self._send(
            "PATCH",
            "table/partition",
            self._encode(rows),
            tables.ARROW,
            {"partition": whole_number(partition, "partition", minimum=0)},
            persist=persist,
            repeatable=False,
        )

    @operation
    async def append(self, rows: tables.Rows, *, persist: bool = True) -> None:
        """Add rows to the last partition, exactly once even if the request is repeated.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        ValueError
            If columns are missing or unknown, or values do not fit their types.
        TransportError
            As for `append_partition`.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
        >>> t.append({"time": [2], "counts": [9]})
        >>> t["counts"].tolist()
        [5, 7, 9]
        """
        await self._append(self.npartitions - 1, rows, persist=persist)

    @operation
    async def rows_added(self, offset: int, count: int, *, partition: int | None = None) -> None:
        """Announce that the files of an external table have more rows.

        For a new file, use `update_data_source`.

        Parameters
        ----------
        offset
            The number of the first new row, counted over all partitions, or in `partition`.
        count
            The number of new rows.
        partition
            The number of the partition that has them.
        """
        (source,) = await self._fetch_data_sources()
        params = {"patch_offset": offset, "patch_shape": count, "partition": partition}
        await self._put_data_source(source, params)

    @operation
    async def update_data_source(
        self,
        source: DataSource,
        *,
        offset: int | None = None,
        count: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Update the data source of an external table, and announce new rows to subscribers.

        Parameters
        ----------
        source
            One of `data_sources()`, with its new structure. Its assets are added to the known
            ones, as one partition each.
        offset, count
            The rows that are new, counted over all partitions, or in `partition`; without them,
            subscribers assume that any row may be.
        partition
            The number of the partition that has them.
        """
        params = {"patch_offset": offset, "patch_shape": count, "partition": partition}
        await self._put_data_source(source, params)

    @operation
    async def fetch_reference(self, reference: TableReference) -> pyarrow.Table:
        """Fetch the rows that an update refers to, of the columns of its subscription."""
        columns = [value for name, value in query_of(reference.uri) if name == "column"] or None
        if reference.offset is not None and reference.count is not None:
            return await self._read_range(
                reference.offset, reference.count, columns, reference.partition
            )
        if reference.partition is not None:
            return await self._read_partition(reference.partition, columns=columns)
        await self._refresh()  # the number of partitions may have grown
        return tables.concatenate(await self._read_partitions(columns))

    def __setitem__(self, column: Any, value: Any) -> None:
        raise TypeError(
            "a table on a server cannot be changed by assignment: use append, or write for all rows"
        )

    def _facts(self, rows: str = "") -> str:
        columns = listed(self.columns, len(self.columns))
        return joined(columns, rows, f"npartitions={self.npartitions}")

    def _encode(self, rows: tables.Rows) -> Body:
        return tables.encode(tables.to_arrow(rows, self.schema))


class TableClient(TableOperations, DataNode, family=StructureFamily.table):
    """A table on a server; reading gives pandas objects.

    Examples
    --------
    >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
    >>> t["counts"].tolist()
    [5, 7]
    """

    @property
    def dask(self) -> Any:
        """The same node as a `DaskTableClient`, whose `read()` is a dask DataFrame: a lazy read."""
        return self._built_for(DASK)

    def __len__(self) -> int:
        """Return the number of rows; a request. Servers of Tiled send a column for it."""
        return run(self._count_rows([]))

    def __bool__(self) -> bool:
        """Return True, without a request for the number of rows."""
        return True

    def __setitem__(self, column: Any, value: Any) -> None:
        raise TypeError(
            "a table on a server cannot be changed by assignment: use append, or write for all rows"
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the columns, as for a DataFrame."""
        return iter(self.columns)

    def __contains__(self, column: object) -> bool:
        return str(column) in self.structure.columns

    def __getattr__(self, name: str) -> Any:
        """Fetch a column as a Series, unless its name is that of an attribute of this class."""
        # Column names do not start with an underscore, and attributes of pickles are not set yet.
        if not name.startswith("_") and name in self.structure.columns:
            return self[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute or column {name!r}")

    def __repr__(self) -> str:
        if not self._requests.supports_idempotency:
            return super().__repr__()  # a server of Tiled would send a column to be counted
        try:
            rows = f"rows={briefly(self, len)}"
        except Exception as error:  # noqa: BLE001 - a representation has to be one
            rows = f"rows=? ({reason(error)})"
        return self._text(self._facts(rows))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, self.columns)]

    def _ipython_key_completions_(self) -> list[str]:
        return self.columns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        # pandas.DataFrame(table) would otherwise lose the names of the columns.
        raise TypeError(
            f"the table {path_text(self._path)} is not a numpy array: use `read()` for a "
            "DataFrame, `read_arrow()` for an Arrow table, or `read().to_numpy()`"
        )

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return an Arrow stream of the rows, fetched partition by partition as they are read."""
        parts = (run(self._read_partition(n, columns=None)) for n in range(self.npartitions))
        return tables.stream(self.schema, parts).__arrow_c_stream__(requested_schema)
