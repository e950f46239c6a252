"""Updates of tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ... import tables as frames
from ...documents import read_data_sources
from ...errors import InvalidResponse
from ...wire.data_sources import DataSource
from ..protocol.messages import Map, Schema
from .base import Common, Update, builds

if TYPE_CHECKING:
    import pandas
    import pyarrow


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUpdate(Update):
    """Rows were written (or, with `append`, added) to a table; `partition` None means all of it.

    `columns` are those that the subscription asked for, None if it did not. What was not
    `persisted` is stored nowhere.

        >>> t = client.write_table({"time": [0.5], "count": [7]}, key="t")
        >>> with t.updates(start=0, columns=["count"]) as updates:
        ...     update = next(updates)
        >>> update.append, update.arrow().to_pydict()
        (False, {'count': [7]})
    """

    topic: ClassVar[str] = "new_data"

    partition: int | None
    append: bool
    mimetype: str
    payload: bytes = field(repr=False)
    persisted: bool = True
    columns: tuple[str, ...] | None = None

    def data(self) -> pandas.DataFrame:
        """The rows, as pandas has them."""
        return self.arrow().to_pandas()  # type: ignore[no-any-return]

    def arrow(self) -> pyarrow.Table:
        """The rows, as Arrow has them."""
        if self.mimetype != frames.ARROW:
            raise InvalidResponse(f"Rows sent as {self.mimetype} cannot be decoded.")
        return frames.decode(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReference(Update):
    """Rows of an external table can be read: `count` from row `offset` on, or anywhere if None.

    They are counted in the `partition`, or in the whole table if that is None.
    """

    topic: ClassVar[str] = "new_data"

    partition: int | None
    append: bool
    offset: int | None
    count: int | None
    uri: str
    data_source: DataSource = field(repr=False)

    def data(self) -> pandas.DataFrame:
        """Fetch the rows from the server: those that are new, or all if it was not said which."""
        return self.arrow().to_pandas()  # type: ignore[no-any-return]

    def arrow(self) -> pyarrow.Table:
        """As `data`, as Arrow has them."""
        return self.node.fetch_reference(self)  # type: ignore[attr-defined]


@builds("table-data")
def _table(message: Map, _: Schema, common: Common) -> Update:
    columns = message.get("columns")
    return TableUpdate(
        **common,
        partition=message.get("partition"),
        append=bool(message.get("append")),
        mimetype=message["mimetype"],
        payload=message.get("payload") or b"",
        persisted=bool(message.get("persisted", True)),
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
