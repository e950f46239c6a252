"""Call operations on external files in confined processes.

Errors of an operation are raised as the StorageError that it raised. A crash of the process is a
StorageError of that call, too, and affects no other call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .. import confined_processes, errors
from ..bucket_files import access
from ..bucket_files.access import Access
from ..bucket_files.broker import Broker
from ..bucket_files.paths import ObjectPath, parse_path
from ..confined.confinement import Confinement
from ..confined.errors import CallTimedOut, ConfinedError, OperationFailed, PoolBusy, ProcessEnded
from ..confined.messages import Content
from ..confined.pool import Call
from ..confined_processes import Limits
from ..errors import NotReady, StorageError, StorageUnavailable, Unreadable
from .sources import Sources
from .uris import is_readable, keep_private

_objects: Access = access.NoAccess()


def configure(
    limits: Callable[[], Limits],
    *,
    adapters: Sequence[str] = (),
    private: Sequence[Path] = (),
    objects: Access | None = None,
) -> None:
    """Configure the limits of the processes, the formats of the site, and access to objects.

    `limits` is evaluated at each call; `private` folders and prefixes are never read as external
    files. Without `objects`, access to them stays as it is.
    """
    if objects is not None:
        use_objects(objects)
    keep_private(private)
    confined_processes.configure(limits, adapters, private)


def objects() -> Access:
    """Return the access of this process to objects."""
    return _objects


def use_objects(found: Access) -> None:
    """Read objects by an access from now on."""
    global _objects
    _objects = found
    access.use(found)


def call(
    operation: str, sources: Sources, arguments: Mapping[str, Any], session: str | None = None
) -> Content:
    """Run an operation in a confined process. Raises StorageError."""
    limits = confined_processes.configuration.limits()
    broker = _broker(sources)
    wanted = Call(
        operation,
        {**encode_sources(sources), **arguments},
        file=str(sources.paths[0]) if sources.paths else "",
        session=session,
        answer=broker.answer,
    )
    folders = [one for one in sources.readable if not isinstance(one, ObjectPath)]
    confinement = Confinement(tuple(map(_identify_folder, folders)), limits.memory)
    try:
        return confined_processes.read(wanted, confinement)
    except ConfinedError as error:
        if isinstance(error, CallTimedOut) and broker.failure is not None:
            # The time passed in waiting for the storage.
            raise broker.failure from error
        raise _storage_error(error, wanted.file, limits) from error


def encode_sources(sources: Sources) -> dict[str, Any]:
    """Return sources as plain data."""
    return {
        "paths": [str(path) for path in sources.paths],
        "parameters": dict(sources.parameters),
        "readable": [str(path) for path in sources.readable],
        "roles": [list(role) for role in sources.roles],
    }


def decode_sources(arguments: Mapping[str, Any]) -> Sources:
    """Return sources from plain data."""
    return Sources(
        tuple(map(parse_path, arguments["paths"])),
        arguments["parameters"],
        tuple(map(parse_path, arguments["readable"])),
        tuple((parameter, number) for parameter, number in arguments["roles"]),
    )


def _broker(sources: Sources) -> Broker:
    """Return what answers the questions for the objects of these sources."""
    return Broker(_objects, sources.paths, partial(is_readable, readable=sources.readable))


def _identify_folder(folder: Path) -> tuple[str, int, int]:
    """Return path, device and inode: a folder that replaces it needs another confinement."""
    real = folder.resolve()
    try:
        found = real.stat()
    except OSError:
        return str(real), 0, 0
    return str(real), found.st_dev, found.st_ino


def _storage_error(error: ConfinedError, file: str, limits: Limits) -> StorageError:
    match error:
        case OperationFailed() if error.out_of_memory:
            return Unreadable(
                f"Reading {file} takes more than {limits.memory} bytes of memory "
                "(storage.reader_memory). Request a part of it, or raise the limit."
            )
        case OperationFailed():
            return _operation_error(error, file)
        case ProcessEnded():
            return Unreadable(
                f"The file {file} cannot be read: the process that read it ended ({error.how}). "
                f"It is damaged, or takes more than {limits.memory} bytes of memory "
                "(storage.reader_memory)."
            )
        case CallTimedOut():
            return Unreadable(
                f"Reading {file} takes longer than {limits.seconds:g} seconds "
                "(storage.reader_seconds). Request a smaller part of it, or raise the limit."
            )
        case PoolBusy():
            return NotReady(
                f"All {limits.processes} processes that read external files are busy "
                "(storage.readers). Retry later.",
                retry_after=2,
            )
    return NotReady(f"No process is available to read external files: {error}", retry_after=10)


def _operation_error(error: OperationFailed, file: str) -> StorageError:
    for name in error.kinds:
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, StorageError):
            if kind in (NotReady, StorageUnavailable):
                return kind(error.text, retry_after=error.retry_after or 1)
            return kind(error.text)
    return Unreadable(f"The file {file} cannot be read: {error.kinds[0]}: {error.text}")
