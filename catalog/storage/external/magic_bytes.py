"""Magic bytes at both ends of a file: without the last ones it is still being written."""

from __future__ import annotations

from pathlib import Path

from ..errors import NotReady, Unreadable
from .recently_modified import is_being_written


def check_complete(path: Path, magic: bytes, kind: str) -> None:
    """Raise NotReady for a file without its final magic bytes, Unreadable without the first.

    Unreadable also if the file has not been modified for some seconds: the writer has ended.
    """
    with path.open("rb") as file:
        head = file.read(len(magic))
        size = file.seek(0, 2)
        file.seek(max(size - len(magic), 0))
        tail = file.read(len(magic))
    if not magic.startswith(head):
        raise Unreadable(f"it is not a {kind} file.")
    if size <= 2 * len(magic) or tail != magic:
        if is_being_written([path]):
            raise NotReady(f"The {kind} file {path} has no footer yet: it is still being written.")
        raise Unreadable(f"it has no {kind} footer at its end: it was truncated.")
