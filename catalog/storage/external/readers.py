"""The confined processes in which external files are opened: configuring them, and calling them.

A file is opened nowhere else. What goes wrong there is raised here as the StorageError that it is;
so is the end of the process itself, which concerns the one call alone.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import errors
from ..confined.confinement import Confinement, Protection
from ..confined.errors import Busy, ConfinedError, Ended, Failed, NotStarted, TooSlow
from ..confined.frames import Content
from ..confined.pool import Call, Pool
from ..confined.starting import Starter
from ..errors import NotReady, StorageError, Unreadable
from .sources import Sources
from .uris import keep_private

logger = logging.getLogger(__name__)

OPERATIONS = f"{__package__}.operations"
# How long (seconds) a call waits for a process, where all are at work.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many processes there are for each process of the server, and what one may take."""

    processes: int = 2
    memory: int = 2_000_000_000
    seconds: float = 60.0


@dataclass(slots=True)
class _Configuration:
    limits: Callable[[], Limits] = Limits
    adapters: tuple[str, ...] = ()
    private: tuple[Path, ...] = ()


_configuration = _Configuration()
_lock = threading.Lock()
_pool: Pool | None = None


def configure(
    limits: Callable[[], Limits], *, adapters: Sequence[str] = (), private: Sequence[Path] = ()
) -> None:
    """Say what the processes may take, which formats of the site they know, and what none opens.

    `limits` is asked at each call; what is `private` is never opened as a file of others.
    """
    keep_private(private)
    _configuration.limits = limits
    _configuration.adapters, _configuration.private = tuple(adapters), tuple(private)
    stop()


def start() -> None:
    """Have a process ready before a file is asked for; log what this machine cannot deny it."""
    missing = Protection.here().missing
    if missing:
        logger.warning(missing)
    threading.Thread(target=_warm, name="external-readers", daemon=True).start()


def stop() -> None:
    """End all processes; the next call starts them anew."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.close()


def call(
    operation: str, sources: Sources, arguments: Mapping[str, Any], session: str | None = None
) -> Content:
    """Have an operation run in a confined process. Raises StorageError."""
    limits = _configuration.limits()
    wanted = Call(
        operation,
        {**encoded(sources), **arguments},
        file=str(sources.paths[0]) if sources.paths else "",
        session=session,
    )
    confinement = Confinement(tuple(map(_identified, sources.readable)), limits.memory)
    try:
        return _the_pool(limits).call(wanted, confinement, limits.seconds)
    except ConfinedError as error:
        raise _storage_error(error, wanted.file, limits) from error


def end_session(name: str) -> None:
    """Have closed what a session kept open."""
    if _pool is not None:
        _pool.end_session(name)


def encoded(sources: Sources) -> dict[str, Any]:
    """Sources as plain data."""
    return {
        "paths": [str(path) for path in sources.paths],
        "parameters": dict(sources.parameters),
        "readable": [str(path) for path in sources.readable],
    }


def decoded(arguments: Mapping[str, Any]) -> Sources:
    """Sources out of plain data."""
    return Sources(
        tuple(map(Path, arguments["paths"])),
        arguments["parameters"],
        tuple(map(Path, arguments["readable"])),
    )


def _the_pool(limits: Limits) -> Pool:
    global _pool
    with _lock:
        if _pool is None:
            arguments = {
                "adapters": list(_configuration.adapters),
                "private": [str(path) for path in _configuration.private],
            }
            _pool = Pool(Starter([OPERATIONS], arguments), limits.processes, PATIENCE)
        return _pool


def _warm() -> None:
    limits = _configuration.limits()
    try:
        _the_pool(limits).start()
    except NotStarted as error:
        logger.error("External files cannot be read: %s", error)  # noqa: TRY400 - it says all


def _identified(folder: Path) -> tuple[str, int, int]:
    """The folder as the kernel knows it: another one in its place is another confinement."""
    real = folder.resolve()
    try:
        found = real.stat()
    except OSError:
        return str(real), 0, 0
    return str(real), found.st_dev, found.st_ino


def _storage_error(error: ConfinedError, file: str, limits: Limits) -> StorageError:
    match error:
        case Failed() if error.out_of_memory:
            return Unreadable(
                f"Reading {file} takes more than {limits.memory} bytes of memory "
                "(storage.reader_memory). Is it what it claims to be? If so, ask for a part of it."
            )
        case Failed():
            return _raised(error, file)
        case Ended():
            return Unreadable(
                f"The file {file} cannot be read: the process that read it ended ({error.how}). "
                f"It is damaged, or takes more than {limits.memory} bytes of memory "
                "(storage.reader_memory)."
            )
        case TooSlow():
            return Unreadable(
                f"Reading {file} takes longer than {limits.seconds:g} seconds "
                "(storage.reader_seconds). Ask for a smaller part of it."
            )
        case Busy():
            return NotReady(
                f"All {limits.processes} processes that read external files are at work "
                "(storage.readers). Try again later.",
                retry_after=2,
            )
    return NotReady(f"External files cannot be read now: {error}", retry_after=10)


def _raised(error: Failed, file: str) -> StorageError:
    for name in error.kinds:
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, StorageError):
            if kind is NotReady:
                return NotReady(error.text, retry_after=error.retry_after or 1)
            return kind(error.text)
    return Unreadable(f"The file {file} cannot be read: {error.kinds[0]}: {error.text}")


def _forget() -> None:
    """Have a forked process start its own: the parent's are not for it."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
atexit.register(stop)
