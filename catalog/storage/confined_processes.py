"""The confined processes of this server process: some that read external files, some that write.

They are configured once; they start when they are first needed, or by `start`.
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

# Whose operations run in them.
MODULES = ("catalog.storage.external.operations", "catalog.storage.parquet_operations")
CONFINED = sys.platform.startswith("linux")
# How long (seconds) a call waits for a process, where all are at work.
ACQUIRE_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many processes there are for each process of the server, and what one may take."""

    processes: int = 2
    memory: int = 2_000_000_000
    seconds: float = 60.0


@dataclass(slots=True)
class Configuration:
    """What the processes may take, which formats of the site they know, and what none opens."""

    limits: Callable[[], Limits] = Limits
    adapters: tuple[str, ...] = ()
    private: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pools:
    """Those that read never write, and the other way round."""

    starter: ForkServerClient
    readers: ProcessPool | Unconfined
    writers: ProcessPool | Unconfined

    def close(self) -> None:
        self.readers.close()
        self.writers.close()
        self.starter.stop()


configuration = Configuration()
_lock = threading.Lock()
_pools: _Pools | None = None


def configure(
    limits: Callable[[], Limits], adapters: Sequence[str], private: Sequence[Path]
) -> None:
    """Say what holds from the next call on. `limits` is asked at each call."""
    configuration.limits = limits
    configuration.adapters, configuration.private = tuple(adapters), tuple(private)
    stop()


def start() -> None:
    """Have the libraries loaded before a file is asked for; log what this machine cannot deny."""
    missing = Protection.here().missing
    if missing:
        logger.warning(missing)
    if not CONFINED:
        return
    threading.Thread(target=_warm, name="confined-processes", daemon=True).start()


def stop() -> None:
    """End all processes; the next call starts them anew."""
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
    """Have closed what a session kept open."""
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
            starter, size = ForkServerClient(MODULES, arguments), configuration.limits().processes
            if not CONFINED:
                here = Unconfined(MODULES, arguments)
                _pools = _Pools(starter, here, here)
                return _pools
            _pools = _Pools(
                starter,
                ProcessPool(starter, size, ACQUIRE_TIMEOUT),
                ProcessPool(starter, size, ACQUIRE_TIMEOUT),
            )
        return _pools


def _warm() -> None:
    try:
        _get_pools().starter.start()
    except ProcessNotStarted as error:
        logger.error("External files cannot be read: %s", error)  # noqa: TRY400 - it says all


def _reset_after_fork() -> None:
    """Have a forked process start its own: the parent's are not for it."""
    global _pools, _lock
    _pools, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(stop)
