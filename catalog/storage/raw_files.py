"""Raw files: list a folder, and read bytes of a file.

Requests for a path below a folder never open a file outside it, neither by `..` nor by a symbolic
link that leads out.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NoReturn

from .bucket_files.paths import ObjectPath
from .errors import MissingFile, OutsideReadable, Unreadable
from .safe_open import open_beneath

READ_BYTES = 1 << 18
# Files that are being written, before they are renamed.
PARTIAL_SUFFIX = ".partial"
_NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file open for reading, with its `size` in bytes and modification time `modified` in ns."""

    descriptor: int
    size: int
    modified: int

    @property
    def tag(self) -> str:
        """A text that differs once the file was changed."""
        return f"{self.modified:x}-{self.size:x}"

    def chunks(self, start: int, length: int) -> FileChunks:
        """Return an iterator of `length` bytes from `start` on, which closes the file."""
        return FileChunks(self, start, length)

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


class FileChunks:
    """Iterator of `length` bytes of a file from `start` on, in chunks; closes the file at the end.

    Raises EOFError if the file was truncated meanwhile.
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
            raise EOFError(f"The file was truncated: {self._end - self._place} bytes are missing.")
        self._place += len(piece)
        return piece

    def close(self) -> None:
        """Close the file, if it is open."""
        if not self._closed:
            self._closed = True
            self._file.close()


def manifest(folder: Path, readable: Path | None = None) -> list[str]:
    """Return the sorted relative paths of the files below `folder`.

    Links that lead out of it are omitted. With `readable`, the folder is opened below that one
    without following links. Raises MissingFile, Unreadable, OutsideReadable.
    """
    if isinstance(folder, ObjectPath):
        return _object_manifest(folder)
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


def _object_manifest(folder: ObjectPath) -> list[str]:
    found = sorted(name for name, _ in folder.walk_objects())
    if not found:
        raise MissingFile(f"There are no objects below {folder}.")
    return found


def resolve_below(folder: Path, relative: str) -> Path:
    """Return the real path of `relative` below `folder`.

    Raise OutsideReadable, MissingFile, Unreadable.

    Absolute paths and `..` are rejected even if they would lead back.
    """
    parts = PurePosixPath(relative)
    if parts.is_absolute():
        raise Unreadable(f"{relative!r} is not a relative path: it must not begin with a slash.")
    if not relative or "\0" in relative or ".." in parts.parts:
        raise OutsideReadable(f"{relative!r} is not a path within the asset.")
    try:
        root, path = folder.resolve(), folder.joinpath(*parts.parts).resolve()
    except (OSError, RuntimeError) as error:
        raise MissingFile(f"{relative!r} does not exist.") from error
    if not path.is_relative_to(root):
        raise OutsideReadable(f"{relative!r} leads outside the asset.")
    return path


def open_file(path: Path, folder: Path | None = None) -> OpenFile:
    """Open a regular file. Both paths must be resolved.

    With `folder`, it is opened below that folder without following links, which another user may
    have created since the path was resolved. Raises MissingFile, Unreadable, OutsideReadable.
    """
    # Opening a pipe would block; a link in place of the resolved path would lead elsewhere.
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
    """Raise OutsideReadable if a resolved path contains a link by now."""
    if isinstance(path, ObjectPath):
        return
    try:
        unmoved = os.path.realpath(path) == str(path)
    except OSError:
        unmoved = False  # a link that was removed just now
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
        raise MissingFile(f"{name} does not exist.") from error
    raise Unreadable(f"{name} cannot be read: {error.strerror}.") from error
