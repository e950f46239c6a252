"""Replacing a file so that it is seen whole, either the old or the new, whatever happens."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


def replace_file(path: Path, data: Buffer, *, sync: bool = False) -> None:
    """Write `data` under a temporary name next to `path`, then rename. Missing folders are made.

    With `sync`, it has reached the disk on return.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        try:
            if path.exists():
                _reserve(descriptor, memoryview(data).nbytes)
            write_all(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync:
        _sync_folder(path.parent)


def write_all(descriptor: int, data: Buffer) -> None:
    """Write all of `data` to an open file, where it stands."""
    view = memoryview(data).cast("B")
    while view:
        view = view[os.write(descriptor, view) :]


def _reserve(descriptor: int, size: int) -> None:
    """Allocate the blocks of a file that will replace another.

    Otherwise ext4 starts to flush it within the rename: 7.5 ms instead of 1.9 ms for 4 MB.
    """
    if sys.platform != "linux" or not size:
        return
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
