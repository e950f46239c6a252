"""Tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .. import tables as frames
from ..errors import InvalidResponse
from ..stream.updates import TableReference
from ..uris import query_of
from ..wire.data_sources import DataSource
from ..wire.slices import format_rows
from ..wire.structure_family import StructureFamily
from ..wire.structures import TableStructure
from .exporting import ExportRequest, File, names_of
from .structured import StructuredNode

if TYPE_CHECKING:
    import pandas
    import pyarrow

# Longer lists of columns go into the body: servers and proxies limit URLs.
QUERY_LIMIT = 1500
# How many bytes a row takes is known once some are there.
ROWS_AT_FIRST = 65_536


class TableClient(StructuredNode[TableStructure], family=StructureFamily.table):
    """A table on a server; reading gives pandas objects."""

    _structure_class = TableStructure
    _has_columns = True

    @property
    def columns(self) -> list[str]:
        """Names of the columns; an index is not one of them."""
        return list(self.structure.columns)

    @property
    def npartitions(self) -> int:
        """In how many parts the rows are kept."""
        return self.structure.npartitions

    @property
    def schema(self) -> pyarrow.Schema:
        """The Arrow schema, index columns included."""
        return self.structure.schema()

    def read(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch all rows, of some columns or of all. Raises KeyError for an unknown column."""
        frame = frames.to_pandas(self._read_partitions(columns))
        return frame if columns is None else frame[list(columns)]

    def read_arrow(self, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """As `read`, as an Arrow table."""
        return frames.concatenate(self._read_partitions(columns))

    def _read_partitions(self, columns: Sequence[str] | None) -> list[pyarrow.Table]:
        read = partial(self._read_partition, columns=columns)
        return list(self._http.map(read, range(self.npartitions)))

    def read_partition(
        self, partition: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch the rows of one partition."""
        return cast(
            "pandas.DataFrame", self._read_partition(partition, columns=columns).to_pandas()
        )

    def read_rows(
        self, offset: int, count: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch `count` rows from number `offset` on, counted over all partitions.

        Raises BadRequest where there are not so many.
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
        """Save all rows, or those of one partition, of some columns or of all.

        See `Node.export`.
        """
        params = {} if partition is None else {"partition": partition}
        endpoint = "table/partition" if params else "table/full"
        self._export(ExportRequest(endpoint, params, "column", names_of(columns)), file, format)

    def write(self, rows: frames.Rows, *, persist: bool = True) -> None:
        """Replace all rows of a table. With `persist=False` only subscribers get to see it."""
        self._send("PUT", "table/full", rows, {}, persist)

    def write_partition(self, partition: int, rows: frames.Rows, *, persist: bool = True) -> None:
        """Replace the rows of one partition."""
        self._send("PUT", "table/partition", rows, {"partition": partition}, persist)

    def append_partition(self, partition: int, rows: frames.Rows, *, persist: bool = True) -> None:
        """Add rows to one partition, once, also where the answer is lost and they are sent again.

        A server without that gets them once only: where the connection broke before the answer,
        TransportError is raised, and the rows may be there or not.
        """
        params = {"partition": partition}
        self._send("PATCH", "table/partition", rows, params, persist, repeatable=False)

    def append(self, rows: frames.Rows, *, persist: bool = True) -> None:
        """Add rows at the end. With `persist=False` only subscribers get to see them."""
        self.append_partition(self.npartitions - 1, rows, persist=persist)

    def rows_added(self, offset: int, count: int, *, partition: int | None = None) -> None:
        """Say that the files of an external table have `count` more rows, from `offset` on.

        They are counted over all partitions, or within one. Where there is a new file, use
        `update_data_source`.
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
        """Say that there is more in the files of an external table, or that there are more files.

        `source` is one of `data_sources()`, changed to what it is now; its files are added to those
        that are known, as one partition each. `offset` and `count` tell subscribers which rows are
        new, counted over all partitions or within one; without them, any may be.
        """
        params = {"patch_offset": offset, "patch_shape": count, "partition": partition}
        self._put_data_source(source, params)

    def fetch_reference(self, reference: TableReference) -> pyarrow.Table:
        """Fetch what an update told of without bringing it along, of the columns asked for."""
        columns = [value for name, value in query_of(reference.uri) if name == "column"] or None
        if reference.offset is not None and reference.count is not None:
            return self._read_range(reference.offset, reference.count, columns, reference.partition)
        if reference.partition is not None:
            return self._read_partition(reference.partition, columns=columns)
        self.refresh()  # There may be more partitions by now.
        return self.read_arrow(columns)

    def __repr__(self) -> str:
        return f"<TableClient {self.columns} npartitions={self.npartitions}>"

    def _read_partition(self, partition: int, *, columns: Sequence[str] | None) -> pyarrow.Table:
        return self._fetch("table/partition", [("partition", str(partition))], columns)

    def _read_range(
        self, offset: int, count: int, columns: Sequence[str] | None, partition: int | None = None
    ) -> pyarrow.Table:
        """Rows in one request, or, if they are many, in some of about the size that is usual."""
        where = [] if partition is None else [("partition", str(partition))]
        endpoint = "table/partition" if where else "table/full"
        pieces, most = [], ROWS_AT_FIRST
        while True:
            size = min(count, most)
            rows = self._fetch(endpoint, [*where, ("rows", format_rows(offset, size))], columns)
            if rows.num_rows != size:
                raise InvalidResponse(f"{self.uri} sent {rows.num_rows} rows instead of {size}.")
            pieces.append(rows)
            offset, count = offset + size, count - size
            if not count:
                return frames.concatenate(pieces)
            most = max(self._http.options.bytes_per_request * size // max(rows.nbytes, 1), 1)

    def _fetch(
        self, endpoint: str, params: list[tuple[str, str]], columns: Sequence[str] | None = None
    ) -> pyarrow.Table:
        for name in columns or ():
            if name not in self.structure.columns:
                raise KeyError(name)
        if columns is not None and sum(map(len, columns)) > QUERY_LIMIT:
            answer = self._http.post(
                endpoint, self._path, list(columns), params=params, accept=frames.ARROW
            )
        else:
            params = [*params, *(("column", name) for name in columns or ())]
            answer = self._http.get(endpoint, self._path, params=params, accept=frames.ARROW)
        return frames.decode(answer.content)

    def _send(
        self,
        method: str,
        endpoint: str,
        rows: frames.Rows,
        params: dict[str, Any],
        persist: bool,
        repeatable: bool = True,
    ) -> None:
        if not persist:
            params = {**params, "persist": False}
        body = frames.encode(frames.to_arrow(rows, self.schema))
        self._http.send(
            method, endpoint, self._path, body, frames.ARROW, params=params, repeatable=repeatable
        )
