"""Compare our client with Tiled's in everyday tasks: seconds, lines of code, messages.

`python -m benchmarks.tasks` runs both clients on one of our servers, each task in a new container
of its client, and prints a table. Tiled's client is that of the reference environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.backends.tiled_reference import reference_python

from ..peers import KEY, PROJECT, Peer, free_port, ours
from .everyday import BEFORE, TASKS

LONGEST = 110


def main() -> None:
    """Run the tasks with both clients, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="tasks whose title has this text")
    parser.add_argument("--full", action="store_true", help="whole messages")
    options = parser.parse_args()
    tasks = [task for task in TASKS if options.only in task.title]
    longest = 10**6 if options.full else LONGEST
    total = [0.0, 0.0]
    print("| # | task | ours: s, lines, result | Tiled's: s, lines, result |")
    print("| --- | --- | --- | --- |")
    with (
        tempfile.TemporaryDirectory() as name,
        ours(Path(name)) as server,
        _session(sys.executable, "tiled_client", _names(server), name) as mine,
        _session(str(reference_python()), "tiled.client", _names(server), name) as theirs,
    ):
        for number, task in enumerate(tasks, start=1):
            results = [mine(task.ours), theirs(task.tiled)]
            total = [all + one["seconds"] for all, one in zip(total, results, strict=True)]
            codes = (task.ours, task.tiled)
            cells = [_cell(*pair, longest) for pair in zip(codes, results, strict=True)]
            print(f"| {number} | {task.title} | {cells[0]} | {cells[1]} |", flush=True)
    print(f"\nSeconds in total: {total[0]:.1f} and {total[1]:.1f}.")


def _names(server: Peer) -> dict[str, Any]:
    uri = f"http://127.0.0.1:{server.port}"
    return {"uri": uri, "key": KEY, "free_port": free_port()}


@contextmanager
def _session(
    python: str, package: str, names: dict[str, Any], folder: str
) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Start a client in its environment; yield the function that runs code in it."""
    process = subprocess.Popen(
        [python, str(Path(__file__).with_name("session.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "HOME": folder, "PYTHONPATH": str(PROJECT / "client")},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def send(given: Any) -> None:
        stdin.write(json.dumps(given) + "\n")
        stdin.flush()

    def run(code: str) -> dict[str, Any]:
        send(code)
        result: dict[str, Any] = json.loads(stdout.readline())
        return result

    try:
        send(names)
        prepared = run(f"from {package} import from_profile, from_uri\n{BEFORE}")
        if prepared["failure"]:
            raise SystemExit(f"{package} cannot prepare: {prepared['failure']}")
        yield run
    finally:
        process.kill()
        process.communicate()


def _cell(code: str, result: dict[str, Any], longest: int) -> str:
    lines = [line for line in code.splitlines() if line.strip()]
    text = result["failure"] or result["printed"] or "done"
    text = " ".join(text.split()).replace("|", "\\|")
    if len(text) > longest:
        text = f"{text[:longest]}..."
    return f"{result['seconds']:.2f}, {len(lines)}, {text}"


if __name__ == "__main__":
    main()
