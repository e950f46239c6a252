"""Run the scripts named on standard input in turn; the client is imported once."""

import json
import runpy
import sys
import warnings
from typing import Any

import installed  # noqa: F401

show_warning = warnings.showwarning


def show_all_but_leaks(message: Any, category: Any, *rest: Any, **named: Any) -> None:
    """Show a warning, unless it is of a socket that Tiled's client has not closed.

    Awkward asks for all warnings that arise within it, and the garbage collector may run there.
    """
    if category is not ResourceWarning:
        show_warning(message, category, *rest, **named)


warnings.showwarning = show_all_but_leaks
print("ready", flush=True)
while line := sys.stdin.readline():
    sys.argv = json.loads(line)
    runpy.run_path(sys.argv[0], run_name="__main__")
    print("done", flush=True)
