"""Updates of tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ... import tables
from ...documents import read_data_sources
from ...errors import InvalidResponse
from ...wire.data_sources import DataSource
from ..protocol.messages import Map, Schema
from .base import Common, DataUpdate, PayloadUpdate, Update, builds, payload_fields

if TYPE_CHECKING:
    import pandas
    import pyarrow


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUpdate(PayloadUpdate):
    """Rows were written (or, with `append`, added) to a table; `partition` None means all of it.

    They are `count` rows from row `offset` of the whole table on; both are None for rows that are
    not `persisted`, which are stored nowhere, and if the server does not say it (Tiled's does not).
    `columns` are those that the subscription selects, None if it has all.

    Examples
    --------
    >>> t = client.write_table({"time": [0.5], "count": [7]}, key="t")
    >>> with t.updates(start=0, columns=["count"]) as updates:
    ...     update = next(updates)
    >>> update.append, update.offset, update.count, update.arrow().to_pydict()
    (False, 0, 1, {'count': [7]})
    """

    partition: int | None
    append: bool
    offset: int | None = None
    count: int | None = None
    columns: tuple[str, ...] | None = None

    def data(self) -> pandas.DataFrame:
        """Return the rows as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            The rows that were written.

        Raises
        ------
        InvalidResponse
            If the message cannot be decoded.
        """
        return self.arrow().to_pandas()  # type: ignore[no-any-return]

    def arrow(self) -> pyarrow.Table:
        """Return the rows as an Arrow table.

        Returns
        -------
        pyarrow.Table
            The rows that were written.

        Raises
        ------
        InvalidResponse
            If the message cannot be decoded.
        """
        if self.mimetype != tables.ARROW:
            raise InvalidResponse(
                f"Update {self.sequence} has rows as {self.mimetype}, which cannot be decoded."
            )
        return tables.decode(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReference(DataUpdate):
    """Rows of an external table can be read: `count` from row `offset` on, or any if None.

    They are counted in the `partition`, or in the whole table if that is None.
    """

    partition: int | None
    append: bool
    offset: int | None
    count: int | None
    uri: str
    data_source: DataSource = field(repr=False)

    def data(self) -> pandas.DataFrame:
        """Fetch the new rows from the server, or all if the update does not say which are new.

        Returns
        -------
        pandas.DataFrame
            The rows; of asyncio's client, use `await update.arrow()`.

        Raises
        ------
        TiledClientError
            As any request raises it.
        """
        return self.arrow().to_pandas()  # type: ignore[no-any-return]

    def arrow(self) -> pyarrow.Table:
        """Fetch the rows as an Arrow table.

        Returns
        -------
        pyarrow.Table
            The rows; of asyncio's client, an awaitable.

        Raises
        ------
        TiledClientError
            As any request raises it.
        """
        return self.origin.fetch_reference(self)


@builds("table-data")
def _table(message: Map, _: Schema, common: Common) -> Update:
    columns, rows = message.get("columns"), message.get("rows")
    return TableUpdate(
        **payload_fields(message, common),
        partition=message.get("partition"),
        append=bool(message.get("append")),
        offset=rows["offset"] if rows else None,
        count=rows["count"] if rows else None,
        columns=None if columns is None else tuple(columns),
    )


@builds("table-ref")
def _reference(message: Map, _: Schema, common: Common) -> Update:
    rows = message.get("rows")
    (data_source,) = read_data_sources([message["data_source"]]) or ()
    return TableReference(
        **common,
        partition=message.get("partition"),
        append=bool(message.get("append")),
        offset=rows["offset"] if rows else None,
        count=rows["count"] if rows else None,
        uri=message["uri"],
        data_source=data_source,
    )
