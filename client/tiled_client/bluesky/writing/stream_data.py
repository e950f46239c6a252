"""The readings of one stream: rows of a table, and arrays that are too large for a column."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import nested
from ...array_values import to_array
from ...optional import require_package
from ...regions import blocks, normalize_chunks
from ...wire.data_sources import DataSource
from ...wire.dtypes import dtype_from_numpy
from ...wire.structure_family import StructureFamily
from ...wire.structures import ArrayStructure
from .json_values import as_json
from .run_nodes import RunNodes, StreamNode

if TYPE_CHECKING:
    import pyarrow

logger = logging.getLogger("tiled_client.bluesky")

MAX_TABLE_COLUMNS = 1024
RAGGED_SQL = "application/x-ragged+sql"
BLOCK_BYTES = 64 << 20


class StreamData:
    """Rows of a stream that are not sent yet, and the writers of its tables and arrays.

    Data of `array_keys` are arrays with a row for each event, those of `ragged_keys` ragged arrays.
    """

    def __init__(self, run: RunNodes, stream: StreamNode, max_array_size: int) -> None:
        self._run, self._name, self._node = run, stream.name, stream.node
        self._max_array_size = max_array_size
        self._rows: list[dict[str, Any]] = []
        self._array_keys: list[str] = []
        self._ragged_keys: list[str] = []
        self._arrays: dict[str, Any] = {}
        self._lengths: dict[str, int] = {}
        self._dtypes: dict[str, np.dtype[Any]] = {}
        self._tables: dict[str, Any] = {}
        # Equal sizes of dimensions have equal names, so that xarray aligns them.
        self._dimensions: dict[int, str] = {}

    def declare(self, data_keys: Mapping[str, Mapping[str, Any]]) -> None:
        """Note which of the data are arrays."""
        for key, described in data_keys.items():
            if "external" in described or described.get("dtype") != "array":
                continue
            shape, dtype = described.get("shape", ()), described.get("dtype_numpy")
            if None in shape:
                self._ragged_keys.append(key)
            elif 0 <= self._max_array_size < math.prod(shape) or (
                dtype and np.dtype(dtype).kind in "USO"
            ):
                self._array_keys.append(key)

    def add(self, row: dict[str, Any], batch_size: int) -> None:
        """Add the row of an event; send all rows once there are `batch_size` of them."""
        self._rows.append(row)
        if len(self._rows) >= batch_size:
            self.send()

    def send(self) -> None:
        """Send the rows that wait. Raises as writers do."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        for key in self._array_keys:
            self._send_array(key, rows)
        for key in self._ragged_keys:
            self._send_ragged(key, rows)
        self._send_rows(rows)

    def close_streams(self) -> None:
        """Tell subscribers that there are no more readings."""
        for writer in (*self._arrays.values(), *self._tables.values()):
            writer.close_stream()

    def _send_array(self, key: str, rows: list[dict[str, Any]]) -> None:
        values = _padded([row[key] for row in rows if key in row])
        if not values.items:
            return
        if values.lengths is not None:
            shortest, longest = values.lengths
            self._note(
                f"Array lengths for key '{key}' in stream '{self._name}' are not consistent: "
                f"min={shortest}, max={longest}; the arrays are padded with NaNs.",
                logging.WARNING,
            )
        array = self._as_array(key, values.items)
        if 0 in array.shape:
            self._note(
                f"Internal array data for key '{key}' in stream '{self._name}' has a zero-length "
                f"dimension (shape {array.shape}) and can not be stored as a zarr array; it is "
                "stored in the internal table instead.",
                logging.WARNING,
            )
            return
        for row in rows:
            row.pop(key, None)
        if key in self._arrays:
            # A row that is shorter than the first one is followed by zeros.
            offset = (self._lengths[key], *(0 for _ in array.shape[1:]))
            self._arrays[key].patch(array, offset, extend=True, resize=True)
        else:
            self._begin_array(key, array)
        self._lengths[key] = self._lengths.get(key, 0) + len(array)

    def _as_array(self, key: str, values: list[Any]) -> np.ndarray[Any, Any]:
        declared = self._dtypes.get(key) or self._run.data_keys.get(key, {}).get("dtype_numpy")
        dtype = None if declared is None or np.dtype(declared).kind == "O" else declared
        try:
            return np.array(values, dtype=dtype)
        except ValueError as error:
            array = np.array(values)
            logger.warning(
                "Data of %s in the stream %s are stored as %s, since they do not fit their "
                "declared dtype: %s",
                key,
                self._name,
                array.dtype,
                error,
            )
            return array

    def _begin_array(self, key: str, array: np.ndarray[Any, Any]) -> None:
        array = to_array(array)
        structure = ArrayStructure(
            dtype_from_numpy(array.dtype),
            array.shape,
            normalize_chunks(None, array.shape, array.dtype.itemsize, BLOCK_BYTES),
            self._dims(array.shape),
        )
        metadata = {**as_json(self._run.data_keys.get(key, {})), "dtype_numpy": str(array.dtype)}
        writer = self._run.create(self._node, key, structure, metadata=metadata)
        if any(len(sizes) > 1 for sizes in structure.chunks):
            for number, region in blocks(structure.chunks):
                writer.write_block(array[region], number)
        else:
            writer.write(array)
        self._arrays[key], self._dtypes[key] = writer, array.dtype
        self._note(f"Internal array data for '{key}' in stream '{self._name}' written as zarr.")

    def _send_ragged(self, key: str, rows: list[dict[str, Any]]) -> None:
        values = nested.to_rows([row.pop(key) for row in rows if key in row])
        if key in self._arrays:
            self._arrays[key].append(values)
            return
        described = self._run.data_keys.get(key, {})
        dims = self._dims((len(values), *described.get("shape", ())))
        structure = nested.ragged_structure(values, (len(values),), dims)
        source = DataSource(StructureFamily.ragged, structure, mimetype=RAGGED_SQL)
        writer = self._run.create(self._node, key, source, metadata=as_json(described))
        writer.write(values)
        self._arrays[key] = writer
        self._note(f"Internal data for '{key}' in stream '{self._name}' written as ragged array.")

    def _send_rows(self, rows: list[dict[str, Any]]) -> None:
        table = require_package("pyarrow", "bluesky").Table.from_pylist(rows)
        if not table.num_columns:
            return
        for suffix, part in _split(table):
            if suffix not in self._tables:
                self._tables[suffix] = self._begin_table(f"internal{suffix}", part)
            self._tables[suffix].append(part)

    def _begin_table(self, key: str, table: pyarrow.Table) -> Any:
        names = set(table.column_names)
        described = {name: one for name, one in self._run.data_keys.items() if name in names}
        schema = _without_nulls(table.schema)
        return self._run.create(self._node, key, schema, metadata=as_json(described))

    def _dims(self, shape: Sequence[int | None]) -> tuple[str, ...]:
        names = self._dimensions
        dims = ["time"]
        for axis, size in enumerate(shape[1:], start=1):
            if size is None:
                dims.append(f"dim_rgd_{axis}")
            else:
                dims.append(names.setdefault(size, f"dim_int_{len(names) + 1}"))
        return tuple(dims)

    def _note(self, text: str, level: int = logging.DEBUG) -> None:
        logger.log(level, "%s", text)
        self._run.notes.append(text)


class _Padded:
    """Values of equal lengths; `lengths` are the shortest and the longest if they differed."""

    def __init__(self, items: list[Any], lengths: tuple[int, int] | None = None) -> None:
        self.items, self.lengths = items, lengths


def _padded(values: list[Any]) -> _Padded:
    lengths = [len(one) for one in values]
    if not lengths or min(lengths) == max(lengths):
        return _Padded(values)
    longest = max(lengths)
    items = [[*one, *(math.nan,) * (longest - len(one))] for one in values]
    return _Padded(items, (min(lengths), longest))


def _split(table: pyarrow.Table) -> Iterator[tuple[str, pyarrow.Table]]:
    """Yield a table in parts of equal numbers of columns, as one table has so many at most."""
    count = table.num_columns
    if count <= MAX_TABLE_COLUMNS:
        yield "", table
        return
    names = sorted(table.column_names)
    size = math.ceil(count / math.ceil(count / MAX_TABLE_COLUMNS))
    for number, start in enumerate(range(0, count, size)):
        yield f"_{number}", table.select(names[start : start + size])


def _without_nulls(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Return a schema in which columns of nothing but None are texts."""
    pa = require_package("pyarrow", "bluesky")
    for number, field in enumerate(schema):
        if pa.types.is_null(field.type):
            schema = schema.set(number, field.with_type(pa.string()))
        elif pa.types.is_list(field.type) and pa.types.is_null(field.type.value_type):
            schema = schema.set(number, field.with_type(pa.list_(pa.string())))
    return schema
