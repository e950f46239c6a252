"""The readings of a stream, from its tables and arrays, as a dataset or as a table."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NodeNotFound
from ..http.request_client import RequestClient
from ..nodes.array import ArrayOperations
from ..nodes.lazy import DaskArrayClient
from ..nodes.ragged import RaggedOperations
from ..nodes.table import TableOperations
from ..optional import require_package

if TYPE_CHECKING:
    import pandas
    import xarray

EVENT_NUMBER, TIME, TIME_OF_READING = "seq_num", "time", "ts_"


@dataclass
class Readings:
    """The parts of a stream, by key, and what its descriptor says of the readings.

    A table has a row for each event, an array has its first dimension of events, unless a file has
    several frames per event one after another.
    """

    parts: Mapping[str, Any]
    data_keys: Mapping[str, Any]
    requests: RequestClient
    tables: dict[str, Any] = field(init=False)
    arrays: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        kinds = (ArrayOperations, RaggedOperations)
        self.tables = {k: v for k, v in self.parts.items() if isinstance(v, TableOperations)}
        self.arrays = {k: v for k, v in self.parts.items() if isinstance(v, kinds)}

    async def read_dataset(self, names: Sequence[str] | None) -> xarray.Dataset:
        """Fetch readings as a dataset. Raises NodeNotFound."""
        xr = require_package("xarray", "xarray")
        wanted = self._choose(names, list(self.arrays))
        columns = await self._read_columns({*wanted, TIME})
        arrays = await self._read_arrays([key for key in self.arrays if key in wanted])
        events = next((len(column) for column in columns.values()), None)
        variables = {
            name: (self._dims(name, values, events), values)
            for name, values in {**arrays, **columns}.items()
        }
        variables = _cut(variables)
        dataset: xarray.Dataset = xr.Dataset(
            {name: (*v, self._attributes(name)) for name, v in variables.items()}
        )
        return dataset[[name for name in wanted if name != TIME]]

    async def read_table(self, names: Sequence[str] | None) -> pandas.DataFrame:
        """Fetch readings of one value per event as a table. Raises NodeNotFound, ValueError."""
        pd = require_package("pandas", "tables")
        single = [key for key in self.arrays if self._is_single(key)]
        wanted = self._choose(names, single)
        for name in wanted:
            if name in self.arrays and name not in single:
                raise ValueError(
                    f"{name!r} has several values per event, and is not a column: use read(), or "
                    f"stream[{name!r}].read()"
                )
        frames = await self._frames({*wanted, EVENT_NUMBER})
        arrays = await self._read_arrays([key for key in single if key in wanted])
        series = {name: frame[name] for frame in frames for name in frame.columns}
        # A row is an event: what a file has of events that are not in the tables yet is left out.
        rows = len(frames[0]) if frames else None
        series |= {name: pd.Series(np.ravel(values)[:rows]) for name, values in arrays.items()}
        table: pandas.DataFrame = pd.DataFrame(series)
        if EVENT_NUMBER in table:
            table = table.set_index(EVENT_NUMBER)
        return table[[name for name in wanted if name in table]]

    def _choose(self, names: Sequence[str] | None, arrays: Sequence[str]) -> list[str]:
        """Return the names of readings to fetch, by default of all values, with the time first."""
        known = [*self._columns(), *self.arrays]
        if names is None:
            readings = [
                name
                for name in known
                if name != EVENT_NUMBER and not name.startswith(TIME_OF_READING)
            ]
            return [name for name in readings if name not in self.arrays or name in arrays]
        for name in names:
            if name not in known:
                raise NodeNotFound(f"There is no reading {name!r}; there are {', '.join(known)}.")
        return list(dict.fromkeys(names))

    def _columns(self) -> Iterator[str]:
        for table in self.tables.values():
            yield from table.columns

    async def _frames(self, names: set[str]) -> list[pandas.DataFrame]:
        return [
            (await table._read(columns)).reset_index(drop=True)
            for table in self.tables.values()
            if (columns := [name for name in table.columns if name in names])
        ]

    async def _read_columns(self, names: set[str]) -> dict[str, Any]:
        frames = await self._frames(names)
        return {
            name: _stacked(frame[name].to_numpy()) for frame in frames for name in frame.columns
        }

    async def _read_arrays(self, keys: Sequence[str]) -> dict[str, Any]:
        limit = self.requests.options.bytes_per_request
        found: dict[str, Any] = {}
        small = []
        for key in keys:
            node = self.arrays[key]
            if isinstance(node, DaskArrayClient):
                found[key] = node.read()
            elif isinstance(node, RaggedOperations):
                found[key] = _padded(await node._read_awkward(...))
            elif node.nbytes > limit:
                found[key] = await node._read_slice(...)  # a few requests at a time
            else:
                small.append(key)
        if small:
            arrays = await self.requests.map(lambda key: self.arrays[key]._read_slice(...), small)
            found |= {key: np.asarray(array) for key, array in zip(small, arrays, strict=True)}
        return {key: found[key] for key in keys}

    def _is_single(self, key: str) -> bool:
        shape = self.arrays[key].shape
        return (
            len(shape) > 0 and all(size == 1 for size in shape[1:]) and self._per_event(key, shape)
        )

    def _per_event(self, name: str, shape: Sequence[Any], events: int | None = None) -> bool:
        declared = (self.data_keys.get(name) or {}).get("shape")
        if name not in self.arrays or declared is None or shape[0] == events:
            return True
        return len(shape) > len(declared) or declared[0] == 1

    def _dims(self, name: str, values: Any, events: int | None) -> tuple[str, ...]:
        node = self.arrays.get(name)
        dims = [f"{name}_dim{n}" for n in range(values.ndim)]
        if node is not None and node.dims:
            # TiledWriter names dimensions of one length alike, which xarray does not support.
            named = enumerate(node.dims)
            return tuple(dims[n] if dim in node.dims[:n] else dim for n, dim in named)
        if dims and self._per_event(name, values.shape, events):
            dims[0] = TIME
        return tuple(dims)

    def _attributes(self, name: str) -> dict[str, Any]:
        described = self.data_keys.get(name) or {}
        return {key: described[key] for key in ("units",) if described.get(key)}


def _cut(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables with one number of events, the least that any of them has."""
    counts = {
        name: values.shape[0] for name, (dims, values) in variables.items() if dims[:1] == (TIME,)
    }
    count = min(counts.values(), default=0)
    longer = {name: found for name, found in counts.items() if found > count}
    if longer:
        warnings.warn(
            f"The readings differ in length, and are cut to {count} events: "
            + ", ".join(f"{name!r} has {found}" for name, found in longer.items()),
            stacklevel=2,
        )
    return {
        name: (dims, values[:count] if name in longer else values)
        for name, (dims, values) in variables.items()
    }


def _stacked(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return a column whose cells are lists of one length as an array of two dimensions."""
    if column.dtype != object or not all(isinstance(cell, (list, np.ndarray)) for cell in column):
        return column
    if len({np.shape(cell) for cell in column}) != 1:
        return column
    return np.stack([np.asarray(cell) for cell in column])


def _padded(rows: Any) -> np.ndarray[Any, Any]:
    """Return rows of different lengths as an array, which has NaN at the ends of the short ones."""
    awkward = require_package("awkward", "awkward")
    if rows.ndim != 2:
        return np.array([*map(awkward.to_list, rows), None], object)[:-1]
    width = int(awkward.max(awkward.num(rows))) if len(rows) else 0
    if len(rows) and width == int(awkward.min(awkward.num(rows))):
        return np.asarray(awkward.to_numpy(rows))
    filled = awkward.fill_none(awkward.pad_none(rows, width, clip=True), np.nan)
    return np.asarray(awkward.to_numpy(filled))
