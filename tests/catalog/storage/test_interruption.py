"""What was acknowledged survives kill -9; what was not is as if it had never been."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from catalog.storage import tables
from catalog.storage.arrays import ArrayStore
from tests.catalog.storage import growing_writer


def committed_when_killed(folder: Path, steps: int) -> tuple[int, int, Path]:
    """Let a writer take about `steps` steps; the last that it acknowledged, and its table."""
    command = [sys.executable, "-m", "tests.catalog.storage.growing_writer", str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as lines:
        told = [lines.readline() for _ in range(steps)]
        writer.kill()
        told += [line for line in lines if line.endswith("\n")]
    writer.wait()
    number, size, path = told[-1].split()
    return int(number), int(size), Path(path)


@pytest.mark.parametrize("steps", [20, 60])
def test_a_killed_writer_leaves_all_that_it_acknowledged(tmp_path: Path, steps: int) -> None:
    number, size, path = committed_when_killed(tmp_path, steps)
    store = ArrayStore()
    structure = growing_writer.EMPTY.with_shape((3 * number, growing_writer.WIDTH))
    expected = np.repeat(np.arange(1.0, number + 1), 3)
    np.testing.assert_array_equal(
        store.read(tmp_path / "array", structure), np.tile(expected, (growing_writer.WIDTH, 1)).T
    )
    assert tables.open_partition(path, size).read()["n"].to_pylist() == [
        *np.repeat(range(number), 50)
    ]

    further = structure.with_shape((3 * number + 100, growing_writer.WIDTH))
    store.extend(tmp_path / "array", structure, further)
    assert not store.read(tmp_path / "array", further, (slice(3 * number, None),)).any()
    size = tables.append(path, size, growing_writer.rows(number))
    assert tables.open_partition(path, size).read().num_rows == 50 * (number + 1)
