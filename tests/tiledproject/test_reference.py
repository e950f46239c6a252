"""The reference pages that are made from the code."""

from __future__ import annotations

import subprocess
import sys

from tests.servers import PROJECT


def test_the_reference_is_what_the_code_says() -> None:
    asked = subprocess.run(
        [sys.executable, "docs/reference/generate.py", "--check"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
