"""Paths of objects.

`ObjectPath` is a path of the standard library whose methods read the object storage, so that a
format that opens its files by `path.open("rb")` reads objects, too. Libraries that take the path
itself (`os.fspath`) would look for a local file: for them, an object has no path.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..errors import Unsupported
from .access import list_names, look_up, walk
from .files import ObjectFile, read_together
from .ranges import ObjectStatus

SCHEMES = ("s3", "gs", "az")
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
MAX_KEY_BYTES = 1024
# Objects of a sequence that are read together: their first blocks are one exchange.
MAX_TOGETHER = 24


class ObjectPath(PosixPath):
    """An object, or a prefix: `/s3:/bucket/key` as parts, `s3://bucket/key` as text."""

    __slots__ = ()

    @classmethod
    def parse(cls, uri: str) -> ObjectPath:
        """Parse a URI with a percent-encoded key. Raises Unsupported.

        A key must not have parts that are empty, `.` or `..`: no folder could contain them.
        """
        try:
            parts = urlsplit(uri)
            key = unquote(parts.path, errors="strict").removeprefix("/").removesuffix("/")
        except ValueError as error:
            raise Unsupported(f"{uri!r:.200} is not a URI.") from error
        if parts.query or parts.fragment:
            raise Unsupported(f"{uri!r:.200} has a query or fragment: write ? as %3F, # as %23.")
        return cls.of(parts.scheme, parts.netloc, key)

    @classmethod
    def of(cls, scheme: str, bucket: str, key: str = "") -> ObjectPath:
        """Return the path of an object. Raises Unsupported."""
        names = key.split("/") if key else []
        if scheme not in SCHEMES or BUCKET.fullmatch(bucket) is None:
            raise Unsupported(
                f"{scheme}://{bucket.rpartition('@')[2]} is not the address of a bucket, such as "
                "s3://bucket."
            )
        if any(name in ("", ".", "..") or "\0" in name for name in names):
            raise Unsupported(
                f"The key {key!r:.200} of an object has an empty part, or one that is . or .. ."
            )
        if len(key.encode()) > MAX_KEY_BYTES:
            raise Unsupported(f"The key {key!r:.80}… is longer than {MAX_KEY_BYTES} bytes.")
        return cls("/", f"{scheme}:", bucket, *names)

    @property
    def scheme(self) -> str:
        """The scheme of the URI, as in `s3`."""
        return self.parts[1][:-1]

    @property
    def bucket(self) -> str:
        """The name of the bucket."""
        return self.parts[2]

    @property
    def key(self) -> str:
        """The key in the bucket, without slashes at its ends; empty for the bucket."""
        return "/".join(self.parts[3:])

    def __str__(self) -> str:
        """Return the URI without percent-encoding; of a relative path, its names.

        The parents of a bucket, with which paths are compared, have no URI.
        """
        if not self.is_absolute():
            return "/".join(self.parts)
        if len(self.parts) < 3:
            return "/" + "/".join(self.parts[1:])
        return f"{self.scheme}://" + "/".join(self.parts[2:])

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    def __fspath__(self) -> str:
        """Raise Unsupported: there is no local file."""
        raise Unsupported(f"{self} is an object of a bucket, but only a local file can be read so.")

    def as_posix(self) -> str:
        """Return the same as `str`."""
        return str(self)

    def as_uri(self) -> str:
        """Return the URI, percent-encoded."""
        return f"{self.scheme}://{self.bucket}/{quote(self.key)}"

    def resolve(self, strict: bool = False) -> ObjectPath:
        """Return the path itself: there are no links. Raises Unsupported for `..`."""
        if ".." in self.parts:
            raise Unsupported(f"{self} has a part `..`, which no object has.")
        return self

    def status(self) -> ObjectStatus:
        """Return the status of the object. Raises FileNotFoundError, StorageError."""
        (found,) = look_up([str(self)])
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "The object does not exist", str(self))
        return found

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the status of the object, or of a prefix with objects, as one of a file.

        The ETag stands for the inode. Raises FileNotFoundError, StorageError.
        """
        try:
            return _file_status(self.status()) if self.key else _folder_status(self)
        except FileNotFoundError:
            return _folder_status(self)

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there is an object, or objects below this prefix."""
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether this is an object."""
        return bool(self.key) and look_up([str(self)])[0] is not None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there are objects below this prefix, and none at it."""
        return not self.is_file() and bool(list_names(str(self)))

    def glob(self, *args: Any, **options: Any) -> Any:
        """Raise Unsupported: the library would list a local folder."""
        raise Unsupported(f"{self} is in a bucket, whose names are not searched by patterns.")

    def rglob(self, *args: Any, **options: Any) -> Any:
        """Raise Unsupported."""
        return self.glob()

    def is_symlink(self) -> bool:
        """Return false."""
        return False

    def iterdir(self) -> Generator[ObjectPath, None, None]:
        """Yield the objects and prefixes directly below this one. Raises StorageError."""
        for one in list_names(str(self)):
            yield self / one.name

    def walk_objects(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the relative names of all objects below this prefix, and their statuses."""
        for one in walk(str(self)):
            if one.status is not None and not one.name.endswith("/"):
                yield one.name, _file_status(one.status)

    def entries(self) -> list[tuple[ObjectPath, bool]]:
        """Return what lies directly below this prefix, and of each whether it is a prefix.

        Names that no path can have are omitted. Raises StorageError.
        """
        names = [one for one in list_names(str(self)) if one.name not in (".", "..")]
        return [(self / one.name, one.status is None) for one in names]

    def statuses(self) -> dict[str, os.stat_result | None]:
        """Return the status of each object directly below this prefix; None of longer prefixes."""
        return {
            one.name: None if one.status is None else _file_status(one.status)
            for one in list_names(str(self))
        }

    def folder_names(self) -> list[str]:
        """Return the names of the prefixes directly below this one. Raises StorageError."""
        return [one.name for one in list_names(str(self)) if one.status is None]

    def open(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        """Open the object for reading, as bytes or as text.

        Raises FileNotFoundError, StorageError, and Unsupported for another mode.
        """
        if set(mode) - set("rbt"):
            raise Unsupported(f"Objects such as {self} are only read, not opened as {mode!r}.")
        file = ObjectFile(str(self), self.status())
        if "b" in mode:
            return file
        return io.TextIOWrapper(io.BufferedReader(file), *args[1:], **options)


def is_object_uri(uri: str) -> bool:
    """Return whether a URI names an object of a bucket."""
    return uri.partition("://")[0].lower() in SCHEMES and "://" in uri


def parse_path(text: str) -> Path:
    """Return the path of a text that `str` made of a path."""
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in SCHEMES:
        return Path(text)
    bucket, _, key = rest.partition("/")
    return ObjectPath.of(scheme, bucket, key)


def are_folders(paths: Sequence[Path]) -> list[bool]:
    """Return of each path whether it is a folder or prefix; objects are looked up in parallel."""
    objects = [path for path in paths if isinstance(path, ObjectPath)]
    known = look_up(map(str, objects))
    files = {path for path, status in zip(objects, known, strict=True) if status is not None}
    return [path not in files and path.is_dir() for path in paths]


def prefetch(paths: list[Path]) -> None:
    """In a confined process, read the first blocks of objects in one exchange."""
    objects = [str(path) for path in paths if isinstance(path, ObjectPath)]
    if objects:
        look_up(objects)


def prefetch_whole(paths: Sequence[Path]) -> int:
    """In a confined process, read the first of these objects in few exchanges; return how many.

    Returns the number of all paths if they are files.
    """
    if not paths or not isinstance(paths[0], ObjectPath):
        return len(paths)
    uris = [str(path) for path in paths[:MAX_TOGETHER]]
    found = zip(uris, look_up(uris), strict=True)
    return max(read_together([(uri, one) for uri, one in found if one is not None]), 1)


def _file_status(status: ObjectStatus) -> os.stat_result:
    inode = int.from_bytes(hashlib.blake2b(status.etag.encode(), digest_size=7).digest())
    times = {"st_mtime": status.modified / 1e9, "st_mtime_ns": status.modified}
    seconds = status.modified // 1_000_000_000
    fields = (stat.S_IFREG | 0o444, inode, 0, 1, 0, 0, status.size, seconds, seconds, seconds)
    return os.stat_result(fields, times)


def _folder_status(path: ObjectPath) -> os.stat_result:
    if not list_names(str(path)):
        raise FileNotFoundError(errno.ENOENT, "There is no object of this name", str(path))
    return os.stat_result((stat.S_IFDIR | 0o555, 0, 0, 1, 0, 0, 0, 0, 0, 0))
