"""Open a file below a folder without following symbolic links.

A path is checked first and opened afterwards. A user with write access to a folder on the way could
replace it by a link in between; here, the kernel refuses to follow that link. Linux 5.6 and later
do so in one call (`openat2`); elsewhere one folder is opened after another.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

# The same on all architectures.
OPENAT2 = 437
NO_MAGIC_LINKS, NO_LINKS, BENEATH = 0x02, 0x04, 0x08
# The call does not exist, or a container's seccomp filter blocks it.
UNAVAILABLE = (errno.ENOSYS, errno.EPERM)


class _How(ctypes.Structure):
    _fields_ = [
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    ]


def open_beneath(folder: Path, path: Path, flags: int) -> int:
    """Open `path`, which lies below `folder`; return its descriptor.

    Both paths are resolved. Raises OSError: ELOOP or ENOTDIR if a link is on the way by now.
    """
    start = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        relative = path.relative_to(folder)
        flags |= os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            return _openat2(start, relative, flags)
        except OSError as error:
            if error.errno not in UNAVAILABLE:
                raise
        return _one_by_one(start, relative, flags)
    finally:
        os.close(start)


def _openat2(folder: int, relative: Path, flags: int) -> int:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    how = _How(flags, 0, BENEATH | NO_LINKS | NO_MAGIC_LINKS)
    name = os.fsencode(relative)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    found: int = _LIBC.syscall(OPENAT2, folder, name, ctypes.byref(how), size)
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), str(relative))
    return found


def _one_by_one(folder: int, relative: Path, flags: int) -> int:
    *parents, last = relative.parts or (".",)
    current = os.dup(folder)
    try:
        for name in parents:
            step = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            current, before = os.open(name, step, dir_fd=current), current
            os.close(before)
        return os.open(last, flags, dir_fd=current)
    finally:
        os.close(current)


_LIBC = ctypes.CDLL(None, use_errno=True)
