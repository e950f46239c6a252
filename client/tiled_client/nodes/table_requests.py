"""Requests for rows of a table: of partitions, ranges of rows, and their number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from .. import tables
from ..arguments import is_scalar, require_columns
from ..errors import BadRequest, InvalidResponse
from ..wire.slices import format_rows
from ..wire.structures import TableStructure
from .exporting import MAX_NAMES_IN_URL
from .structured import StructuredOperations

if TYPE_CHECKING:
    import pyarrow

# Rows of the first request of a range; the size of a row is known after it.
FIRST_REQUEST_ROWS = 65_536
# A range of rows that no table has; the server's error then states how many there are.
BEYOND_ALL_ROWS = f"{2**53}:"
ROW_COUNT = re.compile(r"but there are (\d+)")

Params = list[tuple[str, str]]


class TableRequests(StructuredOperations[TableStructure]):
    """The columns of a table, and the requests for its rows."""

    _structure_class: ClassVar[type[Any]] = TableStructure

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

    async def _read_partitions(self, columns: Sequence[str] | None) -> list[pyarrow.Table]:
        read = partial(self._read_partition, columns=columns)
        return await self._requests.map(read, range(self.npartitions))

    async def _read_partition(
        self, partition: int, *, columns: Sequence[str] | None
    ) -> pyarrow.Table:
        return await self._fetch("table/partition", [("partition", str(partition))], columns)

    async def _read_range(
        self, offset: int, count: int, columns: Sequence[str] | None, partition: int | None = None
    ) -> pyarrow.Table:
        """Fetch a range of rows, in requests of about `bytes_per_request`."""
        base = [] if partition is None else [("partition", str(partition))]
        parts, max_rows = [], FIRST_REQUEST_ROWS
        while True:
            size = min(count, max_rows)
            rows = await self._fetch(
                _endpoint(base), [*base, ("rows", format_rows(offset, size))], columns
            )
            if rows.num_rows != size:
                raise InvalidResponse(f"{self.uri} sent {rows.num_rows} rows instead of {size}.")
            parts.append(rows)
            offset, count = offset + size, count - size
            if not count:
                return tables.concatenate(parts)
            max_rows = max(
                self._requests.options.bytes_per_request * size // max(rows.nbytes, 1), 1
            )

    async def _first_parts(self, count: int, columns: Sequence[str] | None) -> list[pyarrow.Table]:
        """Return up to `count` rows from the start of the table, one part for each partition."""
        parts: list[pyarrow.Table] = []
        for partition in range(self.npartitions):
            parts.append(await self._first_rows(partition, count, columns))
            count -= parts[-1].num_rows
            if count <= 0:
                break
        return parts

    async def _last_parts(self, count: int, columns: Sequence[str] | None) -> list[pyarrow.Table]:
        """Return up to `count` rows from the end of the table, one part for each partition."""
        parts: list[pyarrow.Table] = []
        for partition in reversed(range(self.npartitions)):
            parts.insert(0, await self._last_rows(partition, count, columns))
            count -= parts[0].num_rows
            if count <= 0:
                break
        return parts

    async def _first_rows(
        self, partition: int, count: int, columns: Sequence[str] | None
    ) -> pyarrow.Table:
        """Return up to `count` rows from the start of a partition."""
        base = [("partition", str(partition))]
        try:
            rows = await self._fetch(_endpoint(base), [*base, ("rows", f"0:{count}")], columns)
        except BadRequest:  # there are fewer
            rows = await self._fetch(_endpoint(base), base, columns)
        return rows.slice(0, count)  # a server of Tiled sends all

    async def _last_rows(
        self, partition: int, count: int, columns: Sequence[str] | None
    ) -> pyarrow.Table:
        """Return up to `count` rows from the end of a partition."""
        base = [("partition", str(partition))]
        available = await self._count_rows(base)
        first = max(available - count, 0)
        rows = await self._fetch(
            _endpoint(base), [*base, ("rows", f"{first}:{available}")], columns
        )
        # A server of Tiled sends all.
        return rows if rows.num_rows == available - first else rows.slice(first, count)

    async def _count_rows(self, base: Params) -> int:
        """Return the number of rows of the table, or of the partition that `base` names."""
        narrowest = tables.narrowest_column(self.schema, self.columns)
        try:
            rows = await self._fetch(_endpoint(base), [*base, ("rows", BEYOND_ALL_ROWS)], narrowest)
        except BadRequest as error:
            found = ROW_COUNT.search(error.detail)
            if found is None:
                raise
            return int(found[1])
        return int(rows.num_rows)

    async def _fetch(
        self, endpoint: str, params: Params, columns: Sequence[str] | None = None
    ) -> pyarrow.Table:
        names = self._names(columns)
        if names is not None and sum(map(len, names)) > MAX_NAMES_IN_URL:
            response = await self._requests.post(
                endpoint, self._path, names, params=params, accept=tables.ARROW
            )
        else:
            params = [*params, *(("column", name) for name in names or ())]
            response = await self._requests.get(
                endpoint, self._path, params=params, accept=tables.ARROW
            )
        table = tables.decode(response.content)
        if names is None:
            return table
        index = (name for name in table.column_names if name not in self.structure.columns)
        return table.select([*names, *index])

    def _names(self, columns: Any) -> list[str] | None:
        """Return the names of columns, whose labels may be numbers; a string is one name.

        Raises KeyError if there is no such column.
        """
        if columns is None:
            return None
        names = [str(label) for label in ([columns] if is_scalar(columns) else columns)]
        require_columns(names, self.structure.columns)
        return names


def _endpoint(base: Params) -> str:
    return "table/partition" if base else "table/full"
