"""A file is replaced whole, and the one before it is let go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from catalog.storage.atomic_write import MIN_RESERVED_BYTES, replace_file

PATIENCE = 20.0


def open_files(folder: Path) -> list[str]:
    """What this process still holds open of `folder`, also without a name."""
    held = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            held.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:
            continue
    return [name for name in held if name.startswith(str(folder))]


@pytest.mark.parametrize("size", [10, MIN_RESERVED_BYTES, 2 * MIN_RESERVED_BYTES + 1])
def test_readers_keep_what_they_opened_and_nothing_else_is_kept(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a" / "b"
    replace_file(path, bytes(size))
    with path.open("rb") as reader:
        for number in range(1, 100):
            replace_file(path, bytes([number]) * size)
        assert reader.read() == bytes(size)
    assert path.read_bytes() == bytes([99]) * size
    assert os.listdir(path.parent) == ["b"]
    deadline = time.monotonic() + PATIENCE
    while open_files(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.01)
