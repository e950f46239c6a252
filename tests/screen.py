"""An X server without a screen, for tests of windows."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Run Xvfb, and yield its display; skip where it is not installed."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no window can be opened on this machine")
    with subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x960x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield f":{process.stdout.readline().strip()}"
        finally:
            process.terminate()
