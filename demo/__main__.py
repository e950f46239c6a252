"""`make demo`: a server, a producer and a subscriber, each in its own process."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
GREETING = re.compile(r"^ +Address +(\S+)\n +API key +(\S+)\n", re.MULTILINE)
PATIENCE = 30
# Between the lines of the subscriber only what is wrong.
QUIET = {"TILED_SERVER_LOG_LEVEL": "warning", "TILED_LOGS_ACCESS": "none"}
# Four panes that follow what is being written now.
LIVE_VIEW = "panes=4&follow=1"


def main() -> int:
    """Run the demo until it is stopped; returns 0 if all that was produced has arrived."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long to produce; else until stopped")
    seconds = parser.parse_args().seconds
    # However it is ended, its parts end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--temp", "--port", "0", "--workers", "2"],
        cwd=PROJECT,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        text=True,
    )
    parts: list[subprocess.Popen[bytes]] = []
    try:
        uri, key = _read_greeting(server)
        print(
            f"\n  Watch live in a browser:\n  {uri}/ui/browse/?{LIVE_VIEW}&api_key={key}\n",
            flush=True,
        )
        parts.append(_start("subscriber", uri, key))
        length = () if seconds is None else ("--seconds", str(seconds))
        parts.append(_start("producer", uri, key, *length))
        wait = None if seconds is None else seconds + PATIENCE
        return max(part.wait(wait) for part in reversed(parts))
    except KeyboardInterrupt:
        return 0
    finally:
        _end(*parts, server)


def _read_greeting(server: subprocess.Popen[str]) -> tuple[str, str]:
    assert server.stdout is not None
    text = ""
    for line in server.stdout:
        text += line
        if (found := GREETING.search(text)) and "print(client)" in line:
            return found[1], found[2]
    raise SystemExit("The server has not started.")


def _end(*processes: subprocess.Popen[Any]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(PATIENCE)


def _start(part: str, uri: str, key: str, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", f"demo.{part}", uri, key, *more], cwd=PROJECT)


if __name__ == "__main__":
    sys.exit(main())
