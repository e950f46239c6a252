"""Files that begin and end with a magic word: without the end they are still being written."""

from __future__ import annotations

from pathlib import Path

from ..errors import NotReady, Unreadable
from .recently_modified import is_being_written


def check_complete(path: Path, magic: bytes, kind: str) -> None:
    """Raise NotReady for a file that has only its beginning so far, Unreadable for any other.

    Where nobody has written to it for some seconds, the end will not come any more.
    """
    with path.open("rb") as file:
        head = file.read(len(magic))
        size = file.seek(0, 2)
        file.seek(max(size - len(magic), 0))
        tail = file.read(len(magic))
    if not magic.startswith(head):
        raise Unreadable(f"it is no {kind} file.")
    if size <= 2 * len(magic) or tail != magic:
        if is_being_written([path]):
            raise NotReady(f"The {kind} file {path} has no footer yet: it is still being written.")
        raise Unreadable(f"it has no footer, as a {kind} file has at its end: it was cut off.")
