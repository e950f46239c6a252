"""Restrictions of a process that reads untrusted files.

| mechanism | denies |
| --- | --- |
| Landlock | opening files outside the readable folders; any write, rename or removal; TCP |
| seccomp | sockets, other programs, other processes, changes of owner, mode and times |
| resource limits | memory beyond the limit, large files, core dumps |
| capabilities | for a server that runs as root: all except reading |

The process also inherits no descriptor, no connection and no environment variable of the site. On
a kernel without Landlock or seccomp the other restrictions still hold, and files are opened with
`catalog.storage.safe_open`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import landlock, seccomp

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
# From linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, to read despite file modes.
CAPABILITY_VERSION, READ_ANYTHING = 0x20080522, 0b110
MAX_OPEN_FILES = 4096
# Thread stacks and allocator arenas reserve addresses that they do not use.
EXTRA_ADDRESS_SPACE_BYTES = 4 << 30
# When memory is short, the kernel kills such a process before others.
OOM_SCORE = 800
SYSTEM_PATHS = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/usr/share/zoneinfo",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
)


@dataclass(frozen=True, slots=True)
class Confinement:
    """The folders that a process may read besides its libraries, and its memory limit in bytes.

    Folders are identified by path, device and inode: Landlock applies to the folder itself, so that
    a folder that replaces it, or is mounted on it, needs another confinement.
    """

    readable: tuple[tuple[str, int, int], ...]
    memory: int


@dataclass(frozen=True, slots=True)
class Protection:
    """The mechanisms of this machine's kernel: its Landlock version (0: none), and seccomp."""

    landlock: int
    seccomp: bool

    @classmethod
    def here(cls) -> Protection:
        """Detect the mechanisms of this machine."""
        return cls(landlock.version(), seccomp.is_supported())

    @property
    def missing(self) -> str | None:
        """A warning about a missing mechanism and what protects without it, or None."""
        if not sys.platform.startswith("linux"):
            return (
                "On this system external files are opened by the server's own process, without "
                "memory and time limits: register only files from trusted sources."
            )
        if not self.landlock:
            return (
                "This kernel has no Landlock (Linux 5.13 or later, with `landlock` among its "
                "security modules): it does not confine processes that read external files to "
                "storage.readable. They still have memory and time limits and no network access, "
                "and paths are checked before and after each read."
            )
        if not self.seccomp:
            return (
                "System calls are not filtered on this architecture: Landlock keeps processes that "
                "read external files from TCP, but not from other network protocols."
            )
        return None


def library_paths(private: Iterable[Path]) -> list[Path]:
    """Return the folders of Python and its packages, except those that contain private ones."""
    hidden = list(private)
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    installed = [
        sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")
    ]
    found = [
        Path(path) for path in (*SYSTEM_PATHS, *installed, *(f"{one}/lib" for one in prefixes))
    ]
    for entry in map(Path, filter(None, sys.path)):
        found += [entry, entry.resolve()] if entry.name.endswith("-packages") else _code(entry)
    return [path for path in dict.fromkeys(found) if not _holds(path, hidden)]


def apply(confinement: Confinement, libraries: Sequence[Path]) -> None:
    """Confine this process irrevocably; it must have a single thread. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs could not be set.")
    _limit(confinement.memory)
    _drop_capabilities(libc)
    if landlock.version():
        landlock.restrict([*libraries, *(Path(path) for path, _, _ in confinement.readable)])
    if seccomp.is_supported():
        seccomp.restrict()


def _limit(memory: int) -> None:
    page = resource.getpagesize()
    fields = Path("/proc/self/statm").read_text().split()
    addresses, data = int(fields[0]) * page, int(fields[5]) * page
    limits = {
        resource.RLIMIT_DATA: data + memory,
        resource.RLIMIT_AS: addresses + memory + EXTRA_ADDRESS_SPACE_BYTES,
        resource.RLIMIT_FSIZE: memory,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
    }
    for kind, wanted in limits.items():
        _, hard = resource.getrlimit(kind)
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))
    # Exceeding RLIMIT_FSIZE shall raise EFBIG, which is reported, instead of killing the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) != 0:
        return
    # Effective, permitted and inheritable sets, of capabilities 0 to 31 and 32 to 63.
    kept = sets[1] & READ_ANYTHING
    libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0))


def _code(entry: Path) -> Iterator[Path]:
    """Yield the packages and modules in a folder that may also contain other files."""
    with suppress(OSError):
        for path in entry.iterdir():
            if path.suffix in (".py", ".so") or (path / "__init__.py").is_file():
                yield path


def _holds(path: Path, private: Iterable[Path]) -> bool:
    real = path.resolve()
    return any(one.is_relative_to(real) for one in private)
