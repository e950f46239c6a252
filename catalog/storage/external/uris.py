"""Resolve URIs of registered files to readable paths."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..bucket_files.paths import ObjectPath, is_object_uri
from ..errors import OutsideReadable, Unreadable, Unsupported
from ..files import uri_path

_private: list[Path] = []


def resolve_uri(data_uri: str, readable: Sequence[Path]) -> Path:
    """Resolve a `file:` URI and symbolic links, or the URI of an object, to a path.

    The file need not exist. Raises Unsupported for other URIs, OutsideReadable outside the readable
    folders and prefixes.
    """
    if is_object_uri(data_uri):
        return _object_path(data_uri, readable)
    path = uri_path(data_uri)
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as error:
        raise Unsupported(f"{data_uri!r} cannot be resolved to a file.") from error
    if not is_readable(real, readable):
        raise OutsideReadable(
            f"{data_uri} does not lie in a folder that this server may read. Files can be "
            "registered from the folders that it was started with (--read DIR)."
        )
    return real


def _object_path(data_uri: str, readable: Sequence[Path]) -> ObjectPath:
    path = ObjectPath.parse(data_uri)
    if not is_readable(path, readable):
        raise OutsideReadable(
            f"{data_uri} does not lie in a bucket and prefix that this server may read. "
            "Administrators name them in storage.readable, as in s3://bucket/prefix."
        )
    return path


def keep_private(folders: Sequence[Path]) -> None:
    """Exclude these folders from the readable ones, also those inside them."""
    _private[:] = [folder.resolve() for folder in folders]


def is_readable(real: Path, readable: Sequence[Path]) -> bool:
    """Return whether a resolved path lies in one of the readable folders.

    If it lies in a readable and in a private folder, the inner of the two decides.
    """
    allowed = max(map(len, _around(real, [folder.resolve() for folder in readable])), default=0)
    denied = max(map(len, _around(real, _private)), default=0)
    return allowed > denied


def readable_folder(real: Path, readable: Sequence[Path]) -> Path:
    """Return the resolved path of the innermost readable folder around a resolved path.

    Raises OutsideReadable.
    """
    folders = [folder.resolve() for folder in readable]
    if not is_readable(real, folders):
        raise OutsideReadable(f"{real} does not lie in a folder that this server may read.")
    return Path(*max(_around(real, folders), key=len))


def _around(real: Path, folders: Iterable[Path]) -> Iterator[tuple[str, ...]]:
    # A prefix of a bucket does not lie in the folder `/`.
    kind = isinstance(real, ObjectPath)
    alike = (folder for folder in folders if isinstance(folder, ObjectPath) is kind)
    return (folder.parts for folder in alike if real.is_relative_to(folder))


def check_kind(path: Path) -> None:
    """Raise Unreadable for a pipe or a device: opening one may block."""
    if isinstance(path, ObjectPath):
        return
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # opening it raises the error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Unreadable(f"{path} is neither a file nor a folder.")
