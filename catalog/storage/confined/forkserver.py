"""Fork server: a process with the libraries loaded, which forks confined processes.

It is executed, not forked, so that it has none of the server's memory, threads and descriptors. It
never reads untrusted data itself. It ends, with its children, when the server process ends.

| state of a child | entered by | left by |
| --- | --- | --- |
| forked | a `fork` request, which returns its socket and shared memory | confinement |
| serving | `reader.serve`, after confinement | closed socket, crash, kill |
| reaped | an `end` request, or the end of the fork server | - |
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from .confinement import Confinement, apply, library_paths
from .messages import Channel, receive_descriptors, send_descriptors, shared_memory
from .reader import Operation, resident_memory, serve

# Seconds to wait for a process that is about to end.
EXIT_TIMEOUT = 0.5


class ForkServer:
    """Forks and ends confined processes as requested over the socket `control`."""

    def __init__(
        self,
        control: socket.socket,
        operations: Mapping[str, Operation],
        libraries: Sequence[Path],
    ) -> None:
        self._control = control
        self._operations = operations
        self._libraries = libraries
        self._children: set[int] = set()

    def run(self) -> None:
        """Serve requests until the server process closes the socket."""
        try:
            while True:
                (what, *arguments), _ = receive_descriptors(self._control)
                if what == "fork":
                    self._fork(Confinement(tuple(map(tuple, arguments[0])), arguments[1]))
                else:
                    send_descriptors(self._control, self._reap(arguments[0], arguments[1]))
        except (EOFError, OSError):
            pass
        finally:
            for pid in list(self._children):
                self._reap(pid, 0)

    def _fork(self, confinement: Confinement) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        memory = shared_memory()
        pid = os.fork()
        if pid == 0:
            self._be_reader(confinement, ours, theirs, memory)
        self._children.add(pid)
        send_descriptors(self._control, pid, [theirs.fileno(), memory])
        ours.close()
        theirs.close()
        os.close(memory)

    def _be_reader(
        self, confinement: Confinement, ours: socket.socket, theirs: socket.socket, memory: int
    ) -> None:
        """Confine this child and serve; never return."""
        status = 1
        try:
            self._control.close()
            theirs.close()
            statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
            nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
            apply(confinement, self._libraries)
            for descriptor in (0, 1, 2):
                os.dup2(nothing, descriptor)
            serve(Channel(ours, memory), self._operations, lambda: resident_memory(statm))
            status = 0
        except BaseException:  # noqa: BLE001 - as an interpreter that ends
            traceback.print_exc()
        finally:
            # Skip exit handlers: they would flush and close files of the parent.
            os._exit(status)

    def _reap(self, pid: int, timeout: float) -> int | None:
        """End a process unless it ends within `timeout` seconds; return its exit code."""
        if pid not in self._children:
            return None
        self._children.discard(pid)
        deadline = time.monotonic() + timeout
        while True:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= deadline:
                os.kill(pid, signal.SIGKILL)
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            select.select([], [], [], 0.002)


def main(control: int, modules: Sequence[str], arguments: Mapping[str, Any]) -> None:
    """Import the modules of the operations, report readiness, and serve fork requests.

    Each module has `OPERATIONS`, functions by name, and `prepare`, which takes `arguments` and
    imports what they need.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=control)
    operations: dict[str, Operation] = {}
    try:
        for name in modules:
            module = import_module(name)
            module.prepare(arguments)
            operations.update(module.OPERATIONS)
        private = [Path(path) for path in arguments["private"]]
        libraries = library_paths(private)
    except Exception as error:  # noqa: BLE001 - modules of the site may raise anything
        with suppress(OSError):
            send_descriptors(connection, ["failed", f"{type(error).__name__}: {error}"])
        sys.exit(1)
    # Freeze all objects: a later collection would touch, and so copy, pages shared with children.
    gc.collect()
    gc.freeze()
    send_descriptors(connection, ["ready", ""])
    ForkServer(connection, operations, libraries).run()
