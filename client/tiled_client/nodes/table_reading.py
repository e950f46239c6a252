"""Reading of tables: rows, columns and partitions, as pandas objects or Arrow streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from .. import tables
from ..arguments import whole_number
from ..http.operations import operation
from .table_requests import TableRequests

if TYPE_CHECKING:
    import pandas
    import pyarrow


class TableReading(TableRequests):
    """The operations of a table that fetch rows."""

    @operation
    async def read(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch all rows.

        Parameters
        ----------
        columns
            The columns to fetch; by default all.

        Returns
        -------
        pandas.DataFrame
            The rows, with the labels that they were written with.

        Raises
        ------
        KeyError
            If there is no such column.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
        >>> t.read(["counts"]).to_dict("list")
        {'counts': [5, 7]}
        """
        return await self._read(columns)

    async def _read(self, columns: Sequence[str] | None) -> pandas.DataFrame:
        return tables.to_pandas(await self._read_partitions(self._names(columns)))

    @operation
    async def read_arrow(self, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """Fetch all rows as an Arrow table.

        Parameters
        ----------
        columns
            The columns to fetch; by default all.

        Returns
        -------
        pyarrow.Table
            The rows.

        Raises
        ------
        KeyError
            If there is no such column.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
        >>> t.read_arrow().to_pydict()
        {'time': [0, 1], 'counts': [5, 7]}
        """
        return tables.concatenate(await self._read_partitions(self._names(columns)))

    @operation
    async def read_partition(
        self, partition: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch the rows of one partition.

        Parameters
        ----------
        partition
            The number of the partition.
        columns
            The columns to fetch; by default all.

        Returns
        -------
        pandas.DataFrame
            The rows, with the labels that they were written with.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        partition = whole_number(partition, "partition", minimum=0)
        return _frame(await self._read_partition(partition, columns=self._names(columns)))

    @operation
    async def read_rows(
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

        Returns
        -------
        pandas.DataFrame
            The rows, with the labels that they were written with.

        Raises
        ------
        BadRequest
            If the table has fewer rows.
        KeyError
            If there is no such column.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1, 2], "counts": [5, 7, 9]})
        >>> t.read_rows(1, 2)["counts"].tolist()
        [7, 9]
        """
        offset = whole_number(offset, "offset", minimum=0)
        count = whole_number(count, "count", minimum=0)
        return _frame(await self._read_range(offset, count, self._names(columns)))

    @operation
    async def head(self, n: int = 5, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch the first `n` rows, or all if there are fewer.

        Parameters
        ----------
        n
            The number of rows.
        columns
            The columns to fetch; by default all.

        Returns
        -------
        pandas.DataFrame
            The rows, with the labels that they were written with.

        Raises
        ------
        KeyError
            If there is no such column.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1, 2], "counts": [5, 7, 9]})
        >>> t.head(2)["counts"].tolist()
        [5, 7]
        """
        n = whole_number(n, "n", minimum=0)
        return tables.to_pandas(await self._first_parts(n, self._names(columns)))

    @operation
    async def tail(self, n: int = 5, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch the last `n` rows, or all if there are fewer.

        Parameters
        ----------
        n
            The number of rows.
        columns
            The columns to fetch; by default all.

        Returns
        -------
        pandas.DataFrame
            The rows, with the labels that they were written with.

        Raises
        ------
        KeyError
            If there is no such column.

        Examples
        --------
        >>> t = client.write_table({"time": [0, 1, 2], "counts": [5, 7, 9]})
        >>> t.tail(2)["counts"].tolist()
        [7, 9]
        """
        n = whole_number(n, "n", minimum=0)
        return tables.to_pandas(await self._last_parts(n, self._names(columns)))

    @operation
    async def __getitem__(self, column: Any) -> Any:
        """Fetch a column as a Series, or a list of columns as a DataFrame. Raises KeyError."""
        if isinstance(column, (list, tuple)):
            return await self._read(column)
        check_column_label(column)
        # By position: the label of the column may be a number, whose name is its text.
        return (await self._read([column])).iloc[:, 0]


def check_column_label(column: Any) -> None:
    """Raise TypeError for what selects rows of a DataFrame, and no column."""
    if isinstance(column, slice) or hasattr(column, "dtype"):
        raise TypeError(
            f"a column is selected by its name, not by a {type(column).__name__}: use "
            "read_rows for a range of rows, and read() to select rows by their values"
        )


def _frame(table: pyarrow.Table) -> pandas.DataFrame:
    return cast("pandas.DataFrame", table.to_pandas())
