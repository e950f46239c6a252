"""Tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .. import frames
from ..documents import Resource
from ..errors import UnreadableAnswer
from ..http import Http
from ..stream.entry import StreamEntry
from ..stream.subscription import DataSubscription
from ..uris import Path
from ..wire.families import StructureFamily
from ..wire.structures import TableStructure
from .base import Node

if TYPE_CHECKING:
    import pandas
    import pyarrow

# Longer lists of columns go into the body: servers and proxies limit URLs.
QUERY_LIMIT = 1500


class TableClient(Node, family=StructureFamily.table):
    """A table on a server; reading gives pandas objects."""

    def __init__(self, http: Http, path: Path, resource: Resource) -> None:
        super().__init__(http, path, resource)
        if not isinstance(resource.structure, TableStructure):
            raise UnreadableAnswer(f"The server did not say what the table {self.uri} looks like.")

    @property
    def structure(self) -> TableStructure:
        """Schema, partitions and columns."""
        structure = self._resource.structure
        assert isinstance(structure, TableStructure)
        return structure

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
        frame = self.read_arrow(columns).to_pandas()
        return cast("pandas.DataFrame", frame if columns is None else frame[list(columns)])

    def read_arrow(self, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """As `read`, as an Arrow table."""
        read = partial(self._read_partition, columns=columns)
        return frames.concatenate(self._http.map(read, range(self.npartitions)))

    def read_partition(
        self, partition: int, columns: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """Fetch the rows of one partition."""
        return cast(
            "pandas.DataFrame", self._read_partition(partition, columns=columns).to_pandas()
        )

    def __getitem__(self, column: str | list[str]) -> Any:
        """Fetch a column as a Series, or a list of columns as a DataFrame. Raises KeyError."""
        if isinstance(column, str):
            return self.read([column])[column]
        return self.read(column)

    def write(self, rows: frames.Rows) -> None:
        """Replace all rows of a table of one partition."""
        self._send("PUT", "table/full", rows, {})

    def write_partition(self, partition: int, rows: frames.Rows) -> None:
        """Replace the rows of one partition."""
        self._send("PUT", "table/partition", rows, {"partition": partition})

    def append_partition(self, partition: int, rows: frames.Rows) -> None:
        """Add rows to one partition.

        Raises TransportError where the connection broke before the answer: the rows may then be
        there or not, and are not sent again.
        """
        params = {"partition": partition}
        self._send("PATCH", "table/partition", rows, params, repeatable=False)

    def append(self, rows: frames.Rows) -> None:
        """Add rows at the end."""
        self.append_partition(self.npartitions - 1, rows)

    def subscribe(self, **options: Any) -> DataSubscription:
        """A subscription to what is written to this table; see `Subscription`."""
        return DataSubscription(self, **options)

    @property
    def new_data(self) -> StreamEntry[DataSubscription]:
        """What a subscription to this table is about: `t.new_data.subscribe()`."""
        return StreamEntry(self.subscribe)

    def __repr__(self) -> str:
        return f"<TableClient {self.columns} npartitions={self.npartitions}>"

    def _read_partition(self, partition: int, *, columns: Sequence[str] | None) -> pyarrow.Table:
        for name in columns or ():
            if name not in self.structure.columns:
                raise KeyError(name)
        endpoint = "table/partition"
        params: list[tuple[str, Any]] = [("partition", partition)]
        if columns is not None and sum(map(len, columns)) > QUERY_LIMIT:
            answer = self._http.post(
                endpoint, self._path, list(columns), params=params, accept=frames.ARROW
            )
        else:
            params += [("column", name) for name in columns or ()]
            answer = self._http.get(endpoint, self._path, params=params, accept=frames.ARROW)
        return frames.decode(answer.content)

    def _send(
        self,
        method: str,
        endpoint: str,
        rows: frames.Rows,
        params: dict[str, Any],
        repeatable: bool = True,
    ) -> None:
        body = frames.encode(frames.to_arrow(rows, self.schema))
        self._http.send(
            method, endpoint, self._path, body, frames.ARROW, params=params, repeatable=repeatable
        )
