"""Groups of processes whose processor time is bounded and counted (control groups, as root)."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000


class Group:
    """A control group. Children of its processes that start later belong to it as well."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        for folder in folders:
            folder.mkdir()

    def add(self, *pids: int) -> None:
        """Take in these processes and their children, those that have ended excepted."""
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                for one in (process, *process.children(recursive=True)):
                    self._move(one.pid)

    def limit(self, processors: float) -> None:
        """Give it so much of the time of processors: 0.5 is half of one."""
        quota = round(PERIOD * processors)
        first = self._folders[0]
        if (first / "cpu.max").exists():
            (first / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            (first / "cpu.cfs_quota_us").write_text(str(quota))

    def used(self) -> float:
        """Return the processor time that it has taken, in seconds."""
        stat = self._folders[0] / "cpu.stat"
        for line in stat.read_text().splitlines():
            name, value = line.split()
            if name == "usage_usec":
                return int(value) / 1e6
        return int((self._folders[-1] / "cpuacct.usage").read_text()) / 1e9

    def remove(self) -> None:
        """Remove it; its processes go back to the group above."""
        for folder in self._folders:
            for pid in (folder / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (folder.parent / "cgroup.procs").write_text(pid)
            folder.rmdir()

    def _move(self, pid: int) -> None:
        for folder in self._folders:
            with contextlib.suppress(ProcessLookupError):
                (folder / "cgroup.procs").write_text(str(pid))


def groups_here() -> bool:
    """Return whether this machine can have such groups."""
    return os.geteuid() == 0 and _parents() is not None


@contextlib.contextmanager
def own_groups(names: Sequence[str]) -> Iterator[dict[str, Group]]:
    """Make a group of each name, and remove them at the end."""
    parents = _parents()
    assert parents is not None
    token = secrets.token_hex(3)
    groups: dict[str, Group] = {}
    try:
        for name in names:
            groups[name] = Group([parent / f"tiled-{token}-{name}" for parent in parents])
        yield groups
    finally:
        for group in groups.values():
            group.remove()


def _parents() -> list[Path] | None:
    """Return the folders of the controllers: one of version 2, or two of version 1."""
    controllers = ROOT / "cgroup.subtree_control"
    if controllers.exists() and "cpu" in controllers.read_text().split():
        return [ROOT]
    older = [ROOT / "cpu", ROOT / "cpuacct"]
    return older if all(os.access(folder, os.W_OK) for folder in older) else None
