"""The events of a stream, read from its tables and arrays in batches of rows."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiled_client.wire.json_values import array_to_json
from tiled_client.wire.structures import ArrayStructure, RaggedStructure, TableStructure

from ...services.arrays.ragged import read_ragged
from ...services.nodes.subtrees import Subtree

TABLE = re.compile(r"internal(_\d+)?")
NUMBER, TIME, STAMP = "seq_num", "time", "ts_"
MAX_ROWS_PER_READ = 1000
MAX_BYTES_PER_READ = 16 << 20


@dataclass(frozen=True, slots=True)
class DescriptorTimes:
    """The times from which each descriptor is valid."""

    begun: Sequence[tuple[float, str]]

    def descriptor(self, time: float) -> str:
        """Return the uid of the descriptor that is valid at `time`."""
        later = [begin for begin, _ in self.begun[1:]]
        return self.begun[bisect_right(later, time)][1]


def events(parts: Sequence[Subtree], moments: DescriptorTimes) -> Iterator[dict[str, Any]]:
    """Yield the events in the order of rows; the last of rows with one number wins."""
    tables = [part for part in parts if _is_table(part)]
    arrays = [p for p in parts if isinstance(p.structure, (ArrayStructure, RaggedStructure))]
    numbers = _numbers(tables, arrays)
    wanted = _last_of_each(numbers)
    step = _step(arrays)
    for start in range(0, len(numbers), step):
        stop = min(start + step, len(numbers))
        for row, values in zip(
            range(start, stop), _rows(tables, arrays, start, stop), strict=False
        ):
            if wanted[row]:
                yield _event(int(numbers[row]), values, {part.key for part in arrays}, moments)


def _is_table(part: Subtree) -> bool:
    return isinstance(part.structure, TableStructure) and TABLE.fullmatch(part.key) is not None


def _numbers(tables: Sequence[Subtree], arrays: Sequence[Subtree]) -> np.ndarray[Any, Any]:
    for table in tables:
        if NUMBER in table.columns:
            column = table.select_rows([NUMBER]).read()[NUMBER]
            return np.asarray(column.to_numpy(), np.int64)
    return np.arange(1, max((_length(array) for array in arrays), default=0) + 1)


def _length(array: Subtree) -> int:
    match array.structure:
        case ArrayStructure(shape=(count, *_)):
            return count
        case RaggedStructure() as structure:
            return structure.rows
    return 0


def _last_of_each(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    _, from_the_end = np.unique(numbers[::-1], return_index=True)
    wanted = np.zeros(len(numbers), bool)
    wanted[len(numbers) - 1 - from_the_end] = True
    return wanted


def _step(arrays: Sequence[Subtree]) -> int:
    sizes = [
        math.prod(part.structure.shape[1:]) * part.structure.dtype.itemsize
        for part in arrays
        if isinstance(part.structure, ArrayStructure)
    ]
    return min(max(MAX_BYTES_PER_READ // max(sum(sizes), 1), 1), MAX_ROWS_PER_READ)


def _rows(
    tables: Sequence[Subtree], arrays: Sequence[Subtree], start: int, stop: int
) -> Iterator[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(start, stop)]
    for table in tables:
        for row, values in zip(rows, _table_rows(table, start, stop), strict=False):
            row.update(values)
    for array in arrays:
        for row, value in zip(rows, _array_rows(array, start, stop), strict=False):
            row[array.key] = value
    return iter(rows)


def _table_rows(table: Subtree, start: int, stop: int) -> Iterator[dict[str, Any]]:
    for piece in table.select_rows(None, slice(start, stop)).pieces():
        yield from piece.to_pylist()


def _array_rows(array: Subtree, start: int, stop: int) -> Any:
    count = _length(array)
    part = slice(min(start, count), min(stop, count))
    if isinstance(array.structure, RaggedStructure):
        return read_ragged(array.stored(), (part,)).to_list()
    return array_to_json(array.read_array((part,)))


def _event(
    number: int, values: dict[str, Any], arrays: set[str], moments: DescriptorTimes
) -> dict[str, Any]:
    time = values.get(TIME) or 0.0
    descriptor = moments.descriptor(time)
    keys = [
        key
        for key in values
        if key in arrays or (key not in {NUMBER, TIME} and not key.startswith(STAMP))
    ]
    return {
        "seq_num": number,
        "time": time,
        "uid": f"event-{descriptor}-{number}",
        "descriptor": descriptor,
        "data": {key: values[key] for key in keys},
        "timestamps": {key: values.get(STAMP + key, time) for key in keys},
    }
