"""How many connections a worker may have."""

from __future__ import annotations

import subprocess
import sys

LIMITS = """
import resource
from tiledproject.servers.file_limits import raise_open_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096))
raise_open_file_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_a_process_raises_its_descriptor_limit_to_the_hard_limit() -> None:
    ran = subprocess.run([sys.executable, "-c", LIMITS], capture_output=True, text=True, check=True)
    assert ran.stdout == "(4096, 4096)\n"
