"""A PostgreSQL that a test may stop and start again at the same address."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from .ports import free_port

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"


class Cluster:
    """One address, and behind it a PostgreSQL or none. `options` are further ones for it."""

    def __init__(
        self, folder: Path, port: int, address: str = "127.0.0.1", options: str = ""
    ) -> None:
        self.folder = folder
        self.port = port
        self.address = address
        self.admin = self.uri_at(port)
        self._options = options

    def uri_at(self, port: int) -> str:
        """Return the address of the database through a proxy at `port`."""
        return f"postgresql://{USER}@{self.address}:{port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -h {self.address} -c fsync=off {self._options}"
        self.control("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        """End it and all sessions at once."""
        self.control("stop", "-m", "fast")

    def control(self, *arguments: str) -> None:
        """Run pg_ctl."""
        run("pg_ctl", "-w", "-s", "-D", str(self.folder / "data"), *arguments)

    def pid(self) -> int:
        """Return the first process of all, which starts the others."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def execute(self, statement: str, *parameters: Any) -> list[Any]:
        """Run a statement in a separate session."""
        with psycopg.connect(self.admin, autocommit=True) as session:
            cursor = session.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def end_sessions(self, where: str = "true", *values: Any) -> int:
        """End the sessions of others that `where` describes; return how many there were."""
        ended = self.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608
            f"WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND {where}",
            *values,
        )
        return len(ended)


def run(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL, which refuses to be run by root."""
    user = child_user()
    subprocess.run(
        [str(BINARIES[-1] / program), *arguments],
        user=user,
        group=pwd.getpwnam(USER).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdout=subprocess.DEVNULL,
        cwd="/",
        check=True,
        timeout=60,
    )


def child_user() -> str | None:
    """Return the user that servers which refuse root are run by; None for this one."""
    return USER if os.geteuid() == 0 else None


def postgresql_here() -> bool:
    """Return whether this machine can run a PostgreSQL of the tests' own."""
    if not BINARIES:
        return False
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return os.geteuid() != 0
    return True


@contextmanager
def own_cluster(
    address: str = "127.0.0.1", subnet: str | None = None, options: str = ""
) -> Iterator[Cluster]:
    """Run a PostgreSQL at `address`, and remove it at the end. `subnet` may connect as well."""
    with tempfile.TemporaryDirectory(prefix="tiled-cluster-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", USER, "--no-sync")
        if subnet is not None:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {subnet} trust\n")
        cluster = Cluster(folder, free_port(), address, options)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.control("stop", "-m", "immediate")


@contextmanager
def own_replica(primary: Cluster) -> Iterator[Cluster]:
    """Run a hot standby of a cluster, which streams its log, and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="tiled-replica-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        source = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", USER)
        run("pg_basebackup", "-D", str(folder / "data"), "-R", "-c", "fast", "--no-sync", *source)
        replica = Cluster(folder, free_port())
        replica.start()
        try:
            yield replica
        finally:
            with suppress(subprocess.CalledProcessError):
                replica.control("stop", "-m", "immediate")
