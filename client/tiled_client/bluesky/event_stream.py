"""Client object of an event stream: a mapping of readings, read as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..arguments import names_of
from ..documents import Resource
from ..errors import NodeNotFound, TiledClientError
from ..http.operations import operation
from ..nodes.base import NodeOperations
from ..nodes.container import Container
from ..nodes.listing import ListingOperations
from ..uris import Path, split_path
from ..wire.structure_family import StructureFamily
from .readings import Readings

if TYPE_CHECKING:
    import pandas
    import xarray

STREAM = "BlueskyEventStream"


class EventStreamOperations(ListingOperations):
    """An event stream, as both clients have it.

    Its keys are those of the readings: the columns of its tables, and the keys of its arrays.
    """

    _container: ClassVar[type[Any]]
    __hash__: ClassVar[Any] = NodeOperations.__hash__

    @property
    def base(self) -> Any:
        """The stream as a plain container, of its tables (`internal`) and arrays."""
        return self._container(self._session, self._path, self._resource)

    @operation
    async def read(self, variables: Sequence[str] | None = None) -> xarray.Dataset:
        """Fetch the readings of all events, from tables and from files of detectors.

        Parameters
        ----------
        variables
            Names of readings; by default all. `seq_num`, and the times of a single reading, as
            `ts_motor`, are read only if they are named.

        Returns
        -------
        xarray.Dataset
            The events are the dimension `time`. Of a client object with lazy reads, arrays with
            several values per event are dask arrays. Readings that have arrived for some events
            only are cut to the shortest length; this warns.

        Raises
        ------
        KeyError
            If there is no such reading.

        Examples
        --------
        >>> stream = client.create_container("primary", specs="BlueskyEventStream")
        >>> readings = {"seq_num": [1, 2], "time": [0.5, 1.5], "motor": [-1.0, 1.0]}
        >>> table = stream.base.write_table(readings, key="internal")
        >>> stream.read().motor.sel(time=1.5).item()
        1.0
        >>> stream.table()["motor"].tolist()
        [-1.0, 1.0]
        """
        readings = await self._readings()
        return await readings.read_dataset(_names(variables))

    @operation
    async def table(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """Fetch the readings with one value per event, also those in files of detectors.

        Parameters
        ----------
        columns
            Names of readings; by default all, with the column `time`. See `read`.

        Returns
        -------
        pandas.DataFrame
            A row for each event; the index is `seq_num`. Readings that have not arrived are NaN.

        Raises
        ------
        KeyError
            If there is no such reading.
        ValueError
            If a reading has several values per event.
        """
        readings = await self._readings()
        return await readings.read_table(_names(columns))

    async def _readings(self) -> Readings:
        pages = self.base.node_pages()
        parts = {key: node async for page in pages for key, node in page}
        return Readings(parts, self.metadata.get("data_keys") or {}, self._requests)

    async def _node(self, key: str | tuple[str, ...]) -> Any:
        try:
            return await super()._node(key)
        except NodeNotFound:
            first, *rest = _path(key)
            for name, item in await self._flat():
                if name == first and item["id"] != name:
                    return await self.base._node((item["id"], name, *rest))
            raise

    async def _flat(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the name of each reading, and the document of the table or array that has it."""
        pages = self.base.document_pages({})
        items = [item async for page in pages for item in page]
        return [(name, item) for item in items for name in _reading_names(item)]

    async def document_pages(
        self,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        limit: int | None = None,
        reverse: bool = False,
    ) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Yield one page of the documents of the readings; only their keys if `fields` is empty."""
        if self._queries or self._sorting:
            pages = super().document_pages(params, offset=offset, limit=limit, reverse=reverse)
            async for page in pages:
                yield page
            return
        found = await self._flat()
        found = (found[::-1] if reverse else found)[offset:]
        found = found[:limit]
        if params.get("fields") == "":
            yield [{"id": name} for name, _ in found]
        else:
            yield [await self._document(name, item) for name, item in found]

    async def _document(self, name: str, item: Mapping[str, Any]) -> Mapping[str, Any]:
        if item["id"] == name:
            return item
        path = (*self._path, item["id"], name)
        document: dict[str, Any] = (await self._requests.get("metadata", path)).value()["data"]
        return {**document, "table": item["id"]}

    def child(self, item: Mapping[str, Any]) -> Any:
        """Return the client object of a reading, of its document in a listing."""
        if "table" not in item:
            return super().child(item)
        path = (*self._path, item["table"], item["id"])
        return self.build(self._session, path, Resource.from_json(item))

    async def fetch_count(self) -> int:
        """Return the number of readings."""
        if self._queries:
            return await super().fetch_count()
        return len(await self._flat())

    async def children(
        self, limit: int, params: Mapping[str, str] | None = None
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        """Return the documents of the first readings, and the number of all."""
        if self._queries:
            return await super().children(limit, params)
        pages = self.document_pages(params or {}, limit=limit)
        return [item async for page in pages for item in page], len(await self._flat())

    async def _child_keys(self) -> list[str]:
        keys: list[str] = await self.base._child_keys()
        return keys


class BlueskyEventStream(
    EventStreamOperations, Container, family=StructureFamily.container, spec=STREAM
):
    """The events of one stream of a run, as `run["primary"]`.

    It is a mapping of the names of readings to their client objects: `stream["motor"]`. `read()`
    fetches all of them as a dataset of xarray, `table()` as a DataFrame of pandas.
    """

    _container = Container

    def __getattr__(self, name: str) -> Any:
        """Fetch a reading, unless its name is that of an attribute of this class."""
        if not name.startswith("_"):
            try:
                return self[name]
            except NodeNotFound:
                pass
        raise AttributeError(f"{type(self).__name__!r} object has no attribute or reading {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, self._reading_names())]

    def _reading_names(self) -> list[str]:
        try:
            return list(self)
        except TiledClientError:  # completion must not fail
            return []


def _reading_names(item: Mapping[str, Any]) -> list[str]:
    attributes = item["attributes"]
    if attributes["structure_family"] == StructureFamily.table:
        return list(attributes["structure"]["columns"])
    return [item["id"]]


def _names(names: Any) -> list[str] | None:
    if names is None:
        return None
    return names_of([names] if isinstance(names, str) else names, "names of readings")


def _path(key: str | tuple[str, ...]) -> Path:
    parts = (key,) if isinstance(key, str) else key
    return tuple(name for part in parts for name in split_path(part))
