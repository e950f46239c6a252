"""The confined processes of this server process: readers of external files, and writers.

They are configured once, and start at first use or by `start`.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .confined.confinement import Confinement, Protection
from .confined.errors import ProcessNotStarted
from .confined.forkserver_client import ForkServerClient
from .confined.messages import Content
from .confined.pool import Call, ProcessPool
from .confined.unconfined import Unconfined

logger = logging.getLogger(__name__)

# Modules with the operations.
MODULES = ("catalog.storage.external.operations", "catalog.storage.parquet_operations")
CONFINED = sys.platform.startswith("linux")
# Seconds that a call waits for a process if all are busy.
ACQUIRE_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Processes per server process, and the memory in bytes and seconds of a call."""

    processes: int = 2
    memory: int = 2_000_000_000
    seconds: float = 60.0


@dataclass(slots=True)
class Configuration:
    """Limits, the formats of the site to load, and the folders that no process may open."""

    limits: Callable[[], Limits] = Limits
    adapters: tuple[str, ...] = ()
    private: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pools:
    """Separate pools: readers see untrusted files, writers see rows of several nodes."""

    fork_server: ForkServerClient
    readers: ProcessPool | Unconfined
    writers: ProcessPool | Unconfined

    def close(self) -> None:
        self.readers.close()
        self.writers.close()
        self.fork_server.stop()


configuration = Configuration()
_lock = threading.Lock()
_pools: _Pools | None = None


def configure(
    limits: Callable[[], Limits], adapters: Sequence[str], private: Sequence[Path]
) -> None:
    """Set the configuration from the next call on; `limits` is evaluated at each call."""
    configuration.limits = limits
    configuration.adapters, configuration.private = tuple(adapters), tuple(private)
    stop()


def start() -> None:
    """Start the fork server in the background; warn about missing kernel mechanisms."""
    missing = Protection.here().missing
    if missing:
        logger.warning(missing)
    if not CONFINED:
        return
    threading.Thread(target=_warm, name="confined-processes", daemon=True).start()


def stop() -> None:
    """End all processes; the next call restarts them."""
    global _pools
    with _lock:
        pools, _pools = _pools, None
    if pools is not None:
        pools.close()


def read(call: Call, confinement: Confinement) -> Content:
    """Run an operation that reads. Raises ConfinedError."""
    return _get_pools().readers.call(call, confinement, configuration.limits().seconds)


def write(call: Call) -> Content:
    """Run an operation that opens no file. Raises ConfinedError."""
    limits = configuration.limits()
    return _get_pools().writers.call(call, Confinement((), limits.memory), limits.seconds)


def end_session(name: str) -> None:
    """Close a session in all processes."""
    pools = _pools
    if pools is not None:
        pools.readers.end_session(name)
        pools.writers.end_session(name)


def _get_pools() -> _Pools:
    global _pools
    with _lock:
        if _pools is None:
            private = [str(path) for path in configuration.private]
            arguments = {"adapters": list(configuration.adapters), "private": private}
            fork_server = ForkServerClient(MODULES, arguments)
            if not CONFINED:
                unconfined = Unconfined(MODULES, arguments)
                _pools = _Pools(fork_server, unconfined, unconfined)
                return _pools
            size = configuration.limits().processes
            readers = ProcessPool(fork_server, size, ACQUIRE_TIMEOUT)
            writers = ProcessPool(fork_server, size, ACQUIRE_TIMEOUT)
            _pools = _Pools(fork_server, readers, writers)
        return _pools


def _warm() -> None:
    try:
        _get_pools().fork_server.start()
    except ProcessNotStarted as error:
        logger.error("Cannot read external files: %s", error)  # noqa: TRY400 - the text is complete


def _reset_after_fork() -> None:
    """Reset after a fork: a child process must not use the pools of its parent."""
    global _pools, _lock
    _pools, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(stop)
