"""An attacker that repeatedly replaces a folder by a symbolic link, and restores it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import os, sys, time
inside, outside, aside = sys.argv[1:]
while True:
    os.rename(inside, aside)
    os.symlink(outside, inside)
    time.sleep(0.0001)
    os.unlink(inside)
    os.rename(aside, inside)
    time.sleep(0.0001)
"""


@contextmanager
def swapped(inside: Path, outside: Path, aside: Path) -> Iterator[None]:
    """Replace `inside` by a link to `outside` again and again; it is at `aside` meanwhile."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, inside, outside, aside]) as swapping:
        try:
            yield
        finally:
            swapping.kill()
