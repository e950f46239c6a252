"""What a process pays for the memory of large frames."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
from tiledproject.servers.malloc_tuning import configure_malloc
configure_malloc()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
frame = b"x" * 8_000_000
del frame
before = faults()
for _ in range(20):
    frame = b"x" * 8_000_000
    del frame
print(faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is the C library's to know")
def test_the_next_large_frame_takes_the_memory_of_the_one_before() -> None:
    ran = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    # Taken anew each time it would be 2,000 for each frame.
    assert int(ran.stdout) < 4000
