"""From the address of a registered file to a path that may be read."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import OutsideReadable, Unreadable, Unsupported
from ..files import uri_path

_private: list[Path] = []


def resolve_uri(data_uri: str, readable: Sequence[Path]) -> Path:
    """Return the real path (symbolic links followed) of a `file:` address; the file need not exist.

    Raises Unsupported for other addresses, OutsideReadable unless it lies in a readable folder.
    """
    path = uri_path(data_uri)
    try:
        real = path.resolve()
    except (OSError, RuntimeError) as error:
        raise Unsupported(f"{data_uri!r} does not lead to a file.") from error
    if not is_readable(real, readable):
        raise OutsideReadable(
            f"{data_uri} does not lie in a folder that this server may read. Files can be "
            "registered from the folders that it was started with (--read DIR)."
        )
    return real


def keep_private(folders: Sequence[Path]) -> None:
    """Have nothing read from these folders, though they may lie in readable ones."""
    _private[:] = [folder.resolve() for folder in folders]


def is_readable(real: Path, readable: Sequence[Path]) -> bool:
    """Return whether a real path lies in one of the readable folders.

    Of a private and a readable folder that both hold it, the inner one counts.
    """
    allowed = max(map(len, _around(real, [folder.resolve() for folder in readable])), default=0)
    denied = max(map(len, _around(real, _private)), default=0)
    return allowed > denied


def readable_folder(real: Path, readable: Sequence[Path]) -> Path:
    """Return the innermost readable folder around a real path, by its own real path.

    Raises OutsideReadable.
    """
    folders = [folder.resolve() for folder in readable]
    if not is_readable(real, folders):
        raise OutsideReadable(f"{real} does not lie in a folder that this server may read.")
    return Path(*max(_around(real, folders), key=len))


def _around(real: Path, folders: Iterable[Path]) -> Iterator[tuple[str, ...]]:
    return (folder.parts for folder in folders if real.is_relative_to(folder))


def check_kind(path: Path) -> None:
    """Raise Unreadable for a pipe or a device, which nobody should wait for."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens it says so
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Unreadable(f"{path} is neither a file nor a folder.")
