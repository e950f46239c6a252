"""Files as they lie on the disk: what is in a folder, and bytes of one file.

Whatever a client asks for below a folder, nothing outside it is opened: neither by `..`, nor by a
symbolic link that leads out.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from .errors import MissingFile, OutsideReadable, Unreadable
from .safe_open import open_beneath

READ_BYTES = 1 << 18
# What is being written, and has not its name yet.
PARTIAL_SUFFIX = ".partial"
_NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open for reading: `size` bytes of it, last changed at `modified` (ns)."""

    descriptor: int
    size: int
    modified: int

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


class FileChunks:
    """The bytes of a file from `start` on, `length` in all, read piece by piece; then closed.

    Raises EOFError where the file has become shorter meanwhile.
    """

    def __init__(self, file: OpenFile, start: int, length: int) -> None:
        self._file = file
        self._place, self._end = start, start + length
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._place >= self._end:
            self.close()
            raise StopIteration
        size = min(READ_BYTES, self._end - self._place)
        piece = os.pread(self._file.descriptor, size, self._place)
        if not piece:
            self.close()
            raise EOFError(f"The file ends {self._end - self._place} bytes too early.")
        self._place += len(piece)
        return piece

    def close(self) -> None:
        """Close the file, once."""
        if not self._closed:
            self._closed = True
            self._file.close()


def manifest(folder: Path, readable: Path | None = None) -> list[str]:
    """Return the files below `folder`, by their paths from there, in order.

    What leads out of it is left out. If `readable` is given, the folder is opened below that one,
    through no link. Raises MissingFile, Unreadable, OutsideReadable.
    """
    found: list[str] = []
    root = folder
    try:
        root, flags = folder.resolve(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        start = open_beneath(readable, root, flags) if readable else os.open(root, flags)
    except OSError as error:
        if readable is not None:
            check_unmoved(root)
        _raise(error)
    try:
        for parent, _, names, _ in os.fwalk(".", dir_fd=start, onerror=_raise):
            for name in names:
                path = root / parent / name
                if not name.endswith(PARTIAL_SUFFIX) and _is_file_within(path, root):
                    found.append(path.relative_to(root).as_posix())
    finally:
        os.close(start)
    return sorted(found)


def resolve_below(folder: Path, relative: str) -> Path:
    """Return the real path of `relative` below `folder`.

    Raise OutsideReadable, MissingFile, Unreadable.

    Absolute paths and `..` are refused even where they would lead back.
    """
    parts = PurePosixPath(relative)
    if parts.is_absolute():
        raise Unreadable(
            f"{relative!r} is no path within the asset: it must not begin with a slash."
        )
    if not relative or "\0" in relative or ".." in parts.parts:
        raise OutsideReadable(f"{relative!r} is not a path to something within the asset.")
    try:
        root, path = folder.resolve(), folder.joinpath(*parts.parts).resolve()
    except (OSError, RuntimeError) as error:
        raise MissingFile(f"{relative!r} is not there.") from error
    if not path.is_relative_to(root):
        raise OutsideReadable(f"{relative!r} leads out of the asset.")
    return path


def open_file(path: Path, folder: Path | None = None) -> OpenFile:
    """Open a file, and nothing that is none. Both paths are real ones.

    If `folder` is given, it is opened below that folder, through no link that others may have put
    there meanwhile. Raises MissingFile, Unreadable, OutsideReadable.
    """
    # A pipe would make us wait; a link in place of the resolved path would lead elsewhere.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = open_beneath(folder, path, flags) if folder else os.open(path, flags)
    except OSError as error:
        if folder is not None:
            check_unmoved(path)
        _raise(error)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Unreadable(f"{path.name} is not a file.")
    return OpenFile(descriptor, found.st_size, found.st_mtime_ns)


def check_unmoved(path: Path) -> None:
    """Raise OutsideReadable if a real path has become a link since it was looked at."""
    try:
        unmoved = os.path.realpath(path) == str(path)
    except OSError:
        unmoved = False  # a link that was taken away just now
    if not unmoved:
        raise OutsideReadable(f"{path} was replaced by a link while it was read.")


def _is_file_within(path: Path, root: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _raise(error: OSError) -> NoReturn:
    name = Path(error.filename or "").name
    if error.errno in _NO_SUCH:
        raise MissingFile(f"{name} is not there.") from error
    raise Unreadable(f"{name} cannot be read: {error.strerror}.") from error
