"""A process for each client and role, shared by the tests."""

from __future__ import annotations

import sys

from tools.backends.tiled_reference import reference_python

from .script_processes import Process

OURS, TILED = "tiled_client", "tiled"


class ClientProcesses:
    """The processes by role and client."""

    def __init__(self) -> None:
        self._processes: dict[tuple[str, str], Process] = {}

    def process(self, role: str, client: str) -> Process:
        """Return the process of a role, a new one if a failed test left it within a script."""
        process = self._processes.get((role, client))
        if process is None or process.busy:
            if process is not None:
                process.stop()
            # Tiled's client runs in its own environment, without this project's modules.
            ours = client == OURS
            process = Process(sys.executable) if ours else Process(reference_python(), "-E")
            self._processes[role, client] = process
            process.prints("ready")
        return process

    def clear(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.stop()
