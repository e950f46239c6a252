"""Awkward arrays on disk: the uploaded ZIP file of buffers, stored unchanged."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Collection
from pathlib import Path

from tiled_client.wire.buffers import form_key

from .atomic_write import replace_file
from .errors import MissingFile, Unreadable

MIMETYPE = "application/x-awkward-buffers"


def write(directory: Path, body: bytes, *, sync: bool) -> Path:
    """Write a validated body to a new file, atomically; return its path."""
    path = directory / f"buffers-{secrets.token_hex(4)}.zip"
    replace_file(path, body, sync=sync)
    return path


def read(path: Path) -> bytes:
    """Read the body. Raises MissingFile."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFile(f"The file of buffers {path} does not exist.") from error


def read_buffers(path: Path, form_keys: Collection[str]) -> dict[str, bytes]:
    """Read the buffers of some nodes of the form. Raises MissingFile, Unreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [name for name in archive.namelist() if form_key(name) in form_keys]
            return {name: archive.read(name) for name in wanted}
    except FileNotFoundError as error:
        raise MissingFile(f"The file of buffers {path} does not exist.") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise Unreadable(f"The buffers {path} cannot be read: {error}") from error
