"""One client at work: run each task that comes as JSON, and print what it gave.

This runs in the environment of the client that is measured, ours or Tiled's, as a script.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import Any


def main() -> None:
    """Read names and then tasks from stdin, one in each line; answer each with a line of JSON."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    names: dict[str, Any] = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line), names)), flush=True)
    # Threads of subscriptions that did not end must not keep this process.
    os._exit(0)


def run(code: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the lines of a task in a session; return seconds, and what was printed or raised."""
    printed = io.StringIO()
    start = time.perf_counter()
    failure = ""
    try:
        with redirect_stdout(printed), redirect_stderr(io.StringIO()):
            exec(compile(code, "<task>", "exec"), names)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises is its result
        failure = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "printed": printed.getvalue().strip(), "failure": failure}


if __name__ == "__main__":
    main()
