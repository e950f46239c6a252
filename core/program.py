"""The name of the command that runs this process, for texts that say which one to run."""

from __future__ import annotations

import sys
from pathlib import Path

INSTALLED = "tiled-stream"


def program() -> str:
    """Return `tiled-stream` in an installed server, and `manage.py` in a checkout."""
    return INSTALLED if Path(sys.argv[0]).stem == INSTALLED else "manage.py"
