"""Landlock: restrict this process irrevocably to reading files below some folders.

The kernel (Linux 5.13 and later) then denies opening any other file, by any path, and writing,
creating, renaming or removing files. Later versions also deny TCP (6.7), and signals and abstract
sockets to other processes (6.12).
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

# The same on all architectures.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
PATH_BENEATH = 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3

# Number of access rights, as bits from 0 on, by the version of the interface.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
TCP_RIGHTS = (4, 0b11)
SCOPES = (6, 0b11)


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    ]


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """Return the version of the kernel's interface; 0 if it is missing or disabled."""
    if not sys.platform.startswith("linux"):
        return 0
    found: int = _libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    return max(found, 0)


def restrict(readable: Iterable[Path]) -> None:
    """Restrict this process to reading below `readable`.

    Missing paths are skipped. Call it in a process with a single thread and `no_new_privs` set.
    Raises OSError.
    """
    found = version()
    ruleset = _Ruleset(
        files=(1 << max(bits for since, bits in FILE_RIGHTS.items() if since <= found)) - 1,
        network=TCP_RIGHTS[1] if found >= TCP_RIGHTS[0] else 0,
        scopes=SCOPES[1] if found >= SCOPES[0] else 0,
    )
    size = 24 if found >= SCOPES[0] else 16 if found >= TCP_RIGHTS[0] else 8
    descriptor = _call(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    try:
        for path in readable:
            _allow(descriptor, path)
        _call(RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)


def _allow(ruleset: int, path: Path) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(folder).st_mode)
        rule = _PathRule(READ_FILE | READ_DIR if is_folder else READ_FILE, folder)
        _call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(folder)


def _call(number: int, *arguments: object) -> int:
    found: int = _libc().syscall(number, *arguments)
    if found < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return found


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
