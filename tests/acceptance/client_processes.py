"""A process for each client and each role, kept from test to test."""

from __future__ import annotations

import sys

from tools.backends.tiled_reference import reference_python

from .script_processes import Process

OURS, TILED = "tiled_client", "tiled"


class Desks:
    """Where the processes sit."""

    def __init__(self) -> None:
        self._processes: dict[tuple[str, str], Process] = {}

    def sit(self, role: str, client: str) -> Process:
        """The process for this role, made anew where a failed test has left it in the middle."""
        process = self._processes.get((role, client))
        if process is None or process.busy:
            if process is not None:
                process.stop()
            # Tiled's client has nothing of this project's around it.
            ours = client == OURS
            process = Process(sys.executable) if ours else Process(reference_python(), "-E")
            self._processes[role, client] = process
            process.prints("ready")
        return process

    def clear(self) -> None:
        """End all of them."""
        for process in self._processes.values():
            process.stop()
