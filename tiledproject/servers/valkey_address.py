"""Publish the address of a server's embedded Valkey to other commands of the same site.

Without it, commands could change stored data, but not notify the server's subscribers.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config.errors import ConfigError

SCHEME = "unix://"
LOCK = "valkey_lock"
TIMEOUT_SECONDS = 1.0


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Lock the data directory for a server with an embedded Valkey. Raises ConfigError.

    With two servers, updates of one would never reach the subscribers of the other. The lock is
    released when the process ends, in whatever way.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"Another server runs on the data directory {folder} with an embedded Valkey, "
                "whose updates would not reach the subscribers of this one; stop it, give this one "
                "another server.data_dir, or name one Redis for both: streaming_cache.uri, or "
                "--cache redis://localhost:6379."
            ) from None
        yield


def is_locked(folder: Path) -> bool:
    """Return whether a server with an embedded Valkey runs on the data directory."""
    try:
        with (folder / LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def published(folder: Path, uri: str) -> Iterator[None]:
    """Let other commands find the Valkey at `uri`, by a file in the data directory."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(uri)
    draft.replace(path)
    try:
        yield
    finally:
        # Another server may have published its own in the meantime.
        if _read(path) == uri:
            path.unlink(missing_ok=True)


def discover(folder: Path) -> str | None:
    """Return the address of the Valkey of the running server, if there is one."""
    uri = _read(_path(folder))
    return uri if uri is not None and _answers(uri) else None


def _path(folder: Path) -> Path:
    return folder / "valkey_address"


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def _answers(uri: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(uri.removeprefix(SCHEME))
        except OSError:
            return False
    return True
