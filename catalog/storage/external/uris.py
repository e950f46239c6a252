"""From the address of a registered file to a path that may be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ..errors import OutsideReadable, Unreadable, Unsupported
from ..files import uri_path


def resolve_uri(data_uri: str, readable: Sequence[Path]) -> Path:
    """The real path (symbolic links followed) of a `file:` address; the file need not exist.

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


def is_readable(real: Path, readable: Sequence[Path]) -> bool:
    """Whether a real path lies in one of the readable folders."""
    return any(real.is_relative_to(folder.resolve()) for folder in readable)


def check_kind(path: Path) -> None:
    """Raise Unreadable for a pipe or a device, which nobody should wait for."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever opens it says so
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise Unreadable(f"{path} is neither a file nor a folder.")


def check_unmoved(path: Path) -> None:
    """Raise OutsideReadable if a real path has become a link since it was looked at."""
    if os.path.realpath(path) != str(path):
        raise OutsideReadable(f"{path} was replaced by a link while it was read.")
