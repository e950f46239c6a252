"""A wall clock that can be set, for the processes of a server only.

The server runs unchanged: its C library returns another time (`clock.c`). PostgreSQL and Redis are
other machines, whose clocks are right.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """By how much the clock is wrong is in a file in `folder`."""

    def __init__(self, folder: Path) -> None:
        library = folder / "clock.so"
        compile_it = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)]
        try:
            subprocess.run(compile_it, check=True, capture_output=True)
        except (FileNotFoundError, subprocess.CalledProcessError):
            pytest.skip("only a C compiler on Linux can make a clock that can be set")
        self._offset = folder / "offset"
        self._offset.write_bytes(bytes(8))
        self.settings = {"LD_PRELOAD": str(library), "WRONG_CLOCK": str(self._offset)}

    def set(self, offset: int) -> None:
        """Let the clock be wrong by this many seconds."""
        with self._offset.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", offset))
