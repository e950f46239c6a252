"""The record of a run in files of JSON lines, from which it can be judged again.

`writes.jsonl` has the operations with their outcome, `deliveries.jsonl` all that the subscribers
received, both with the time of day; `end.json` has the stored data and the answers of the site.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

WRITES = "writes.jsonl"
DELIVERIES = "deliveries.jsonl"
END = "end.json"


class Journal:
    """Files in `folder`, written line by line; without a folder, nothing is recorded."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files: dict[str, TextIO] = {}
        self._lock = threading.Lock()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for name in (WRITES, DELIVERIES):
                # Whole lines at once, so that the record survives the end of this process.
                self._files[name] = (folder / name).open("w", buffering=1)

    def write(self, name: str, line: dict[str, Any]) -> None:
        """Add a line to a file."""
        if self._folder is not None:
            with self._lock:
                self._files[name].write(json.dumps({"time": round(time.time(), 4), **line}) + "\n")

    def end(self, summary: dict[str, Any]) -> None:
        """Write down the stored data and the answers, and close the files."""
        if self._folder is not None:
            (self._folder / END).write_text(json.dumps(summary))
            for file in self._files.values():
                file.close()


def lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield what a file of a journal holds. Raises FileNotFoundError."""
    with (folder / name).open() as file:
        for line in file:
            yield json.loads(line)


def end_of(folder: Path) -> dict[str, Any]:
    """Return the summary at the end of a journal. Raises FileNotFoundError."""
    summary: dict[str, Any] = json.loads((folder / END).read_text())
    return summary
