"""Client object of tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .. import tables
from ..errors import InvalidResponse
from ..http.request import Body
from ..stream.updates import TableReference
from ..uris import query_of
from ..wire.data_sources import DataSource
from ..wire.slices import format_rows
from ..wire.structure_family import StructureFamily
from ..wire.structures import TableStructure
from .exporting import MAX_NAMES_IN_URL, ExportRequest, File, name_list
from .structured import StructuredNode

if TYPE_CHECKING:
    import pandas
    import pyarrow

# Rows of the first request of a range; the size of a row is known after it.
FIRST_REQUEST_ROWS = 65_536


class TableClient(StructuredNode[TableStructure], family=StructureFamily.table):
    """A table on a server; reading gives pandas objects.

    Examples
    --------
    >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
    >>> t["counts"].tolist()
    [5, 7]
    """

    _structure_class = TableStructure
    _has_columns = True

    @property
    def columns(self) -> list[str]:
        """The names of the columns, without those of an index."""
        return list(self.structure.columns)

    @property
    def npartitions(self) -> int:
        """The number of partitions that the rows are stored in."""
        return self.structure.npartitions

    @property
    def schema(self) -> pyarrow.Schema:
        """The Arrow schema, index columns included."""
        return self.structure.schema()

    def read(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch all rows.

        Parameters
        ----------
        columns
            The columns to fetch; by default all.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        frame = tables.to_pandas(self._read_partitions(columns))
        return frame if columns is None else frame[list(columns)]

    def read_arrow(self, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """Fetch all rows as an Arrow table; see `read`."""
        return tables.concatenate(self._read_partitions(columns))

    def _read_partitions(self, columns: Sequence[str] | None) -> list[pyarrow.Table]:
        read = partial(self._read_partition, columns=columns)
        return list(self._http.map(read, range(self.npartitions)))

    def read_partition(
        self, partition: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch the rows of one partition; see `read`."""
        return cast(
            "pandas.DataFrame", self._read_partition(partition, columns=columns).to_pandas()
        )

    def read_rows(
        self, offset: int, count: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch a range of rows, counted over all partitions.

        Parameters
        ----------
        offset
            The number of the first row.
        count
            The number of rows.
        columns
            The columns to fetch; by default all.

        Raises
        ------
        BadRequest
            If the table has fewer rows.
        """
        return cast("pandas.DataFrame", self._read_range(offset, count, columns).to_pandas())

    def __getitem__(self, column: str | list[str]) -> Any:
        """Fetch a column as a Series, or a list of columns as a DataFrame. Raises KeyError."""
        if isinstance(column, str):
            return self.read([column])[column]
        return self.read(column)

    def export(
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
        params = {} if partition is None else {"partition": partition}
        endpoint = "table/partition" if params else "table/full"
        self._export(ExportRequest(endpoint, params, "column", name_list(columns)), file, format)

    def write(self, rows: tables.Rows, *, persist: bool = True) -> None:
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
        """
        self._send("PUT", "table/full", self._encode(rows), tables.ARROW, persist=persist)

    def write_partition(self, partition: int, rows: tables.Rows, *, persist: bool = True) -> None:
        """Replace the rows of one partition; see `write`."""
        params = {"partition": partition}
        body = self._encode(rows)
        self._send("PUT", "table/partition", body, tables.ARROW, params, persist=persist)

    def append_partition(self, partition: int, rows: tables.Rows, *, persist: bool = True) -> None:
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
        self._send(
            "PATCH",
            "table/partition",
            self._encode(rows),
            tables.ARROW,
            {"partition": partition},
            persist=persist,
            repeatable=False,
        )

    def append(self, rows: tables.Rows, *, persist: bool = True) -> None:
        """Add rows to the last partition; see `append_partition`."""
        self.append_partition(self.npartitions - 1, rows, persist=persist)

    def rows_added(self, offset: int, count: int, *, partition: int | None = None) -> None:
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
        (source,) = self.data_sources()
        self.update_data_source(source, offset=offset, count=count, partition=partition)

    def update_data_source(
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
        self._put_data_source(source, params)

    def fetch_reference(self, reference: TableReference) -> pyarrow.Table:
        """Fetch the rows that an update refers to, of the columns of its subscription."""
        columns = [value for name, value in query_of(reference.uri) if name == "column"] or None
        if reference.offset is not None and reference.count is not None:
            return self._read_range(reference.offset, reference.count, columns, reference.partition)
        if reference.partition is not None:
            return self._read_partition(reference.partition, columns=columns)
        self.refresh()  # the number of partitions may have grown
        return self.read_arrow(columns)

    def __repr__(self) -> str:
        return f"<TableClient {self.columns} npartitions={self.npartitions}>"

    def _read_partition(self, partition: int, *, columns: Sequence[str] | None) -> pyarrow.Table:
        return self._fetch("table/partition", [("partition", str(partition))], columns)

    def _read_range(
        self, offset: int, count: int, columns: Sequence[str] | None, partition: int | None = None
    ) -> pyarrow.Table:
        """Fetch a range of rows, in requests of about `bytes_per_request`."""
        base = [] if partition is None else [("partition", str(partition))]
        endpoint = "table/partition" if base else "table/full"
        parts, max_rows = [], FIRST_REQUEST_ROWS
        while True:
            size = min(count, max_rows)
            rows = self._fetch(endpoint, [*base, ("rows", format_rows(offset, size))], columns)
            if rows.num_rows != size:
                raise InvalidResponse(f"{self.uri} sent {rows.num_rows} rows instead of {size}.")
            parts.append(rows)
            offset, count = offset + size, count - size
            if not count:
                return tables.concatenate(parts)
            max_rows = max(self._http.options.bytes_per_request * size // max(rows.nbytes, 1), 1)

    def _fetch(
        self, endpoint: str, params: list[tuple[str, str]], columns: Sequence[str] | None = None
    ) -> pyarrow.Table:
        for name in columns or ():
            if name not in self.structure.columns:
                raise KeyError(name)
        if columns is not None and sum(map(len, columns)) > MAX_NAMES_IN_URL:
            response = self._http.post(
                endpoint, self._path, list(columns), params=params, accept=tables.ARROW
            )
        else:
            params = [*params, *(("column", name) for name in columns or ())]
            response = self._http.get(endpoint, self._path, params=params, accept=tables.ARROW)
        return tables.decode(response.content)

    def _encode(self, rows: tables.Rows) -> Body:
        return tables.encode(tables.to_arrow(rows, self.schema))
