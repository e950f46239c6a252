"""A writer for tests to kill: extends an array and a table, and prints what is committed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from catalog.storage import tables
from catalog.storage.arrays import ArrayStore
from tiled_client.wire.structures import ArrayStructure

WIDTH = 1500
EMPTY = ArrayStructure.from_array(np.zeros((0, WIDTH)))


def rows(number: int) -> pa.Table:
    return pa.table({"n": [number] * 50, "text": [f"row {number}"] * 50})


def main(folder: Path) -> None:
    store, structure, number = ArrayStore(), EMPTY, 0
    partition = tables.write_partition(folder, 0, rows(0)[:0])
    size = partition.size
    store.create(folder / "array", structure)
    while True:
        # Three rows at a time do not end at the edges of chunks.
        grown = structure.with_shape((3 * number + 3, WIDTH))
        store.extend(folder / "array", structure, grown)
        region = (slice(3 * number, 3 * number + 3), slice(0, WIDTH))
        values = np.full((3, WIDTH), number + 1.0)
        store.write_region(folder / "array", grown, region, values, visible_shape=structure.shape)
        size = tables.append(partition.path, size, rows(number))
        structure, number = grown, number + 1
        print(number, size, partition.path, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
