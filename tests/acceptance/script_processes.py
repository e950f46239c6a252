"""Processes that run scripts of clients, and what these print."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE = 60.0


class Process:
    """A Python process with one of the clients, which runs one script after another."""

    def __init__(self, python: str | Path, *options: str) -> None:
        self._process = subprocess.Popen(
            [python, *options, SCRIPTS / "interpreter.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.busy = False
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def run(self, script: str, *arguments: str | int) -> None:
        """Start a script."""
        self.busy = True
        command = [str(SCRIPTS / f"{script}.py"), *map(str, arguments)]
        self.say(json.dumps(command))

    def say(self, line: str = "") -> None:
        """Send a line to the script, which waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def prints(self, *lines: str) -> None:
        """Wait for these lines, and fail at the first that differs."""
        heard = []
        for expected in lines:
            heard.append(self._line(heard))
            if heard[-1] != expected:
                break
        assert heard == list(lines[: len(heard)]), self._rest(heard)

    def finishes(self, *lines: str) -> None:
        """Wait until the script has printed these last lines."""
        self.prints(*lines, "done")
        self.busy = False

    def prints_until(self, last: str) -> list[str]:
        """Wait for the line `last`, and return all lines up to it."""
        heard: list[str] = []
        while last not in heard[-1:]:
            heard.append(self._line(heard))
        return heard

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the process for the block; what happens meanwhile it sees afterwards."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process, by SIGKILL; harmless if it has ended already."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._reading.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _line(self, heard: list[str]) -> str:
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"Nothing more was printed after {heard}") from None
        assert line is not None, f"The process has ended after {heard}"
        return line

    def _rest(self, heard: list[str]) -> str:
        while not self._lines.empty():
            heard.append(str(self._lines.get()))
        return "\n".join(heard)
