"""A PgBouncer in front of a PostgreSQL of the tests."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from .ports import free_port
from .postgresql_cluster import USER, Cluster, child_user

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
START_TIMEOUT = 20


@contextmanager
def own_pgbouncer(cluster: Cluster, mode: str, *settings: str) -> Iterator[int]:
    """Run a PgBouncer whose `pool_mode` is `mode`; yield its port.

    `settings` are further lines of its configuration. The default ones are those of a new
    installation: `options` of a connection are rejected.
    """
    assert PROGRAM is not None
    port = free_port()
    place = cluster.folder / f"pgbouncer-{port}.ini"
    lines = [
        "[databases]",
        f"* = host=127.0.0.1 port={cluster.port} user={USER}",
        "[pgbouncer]",
        f"listen_addr=127.0.0.1\nlisten_port={port}",
        f"auth_type=any\npool_mode={mode}\nunix_socket_dir=",
        *settings,
    ]
    place.write_text("\n".join(lines) + "\n")
    process = subprocess.Popen(
        [PROGRAM, str(place)],
        user=child_user(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_answers(cluster.uri_at(port))
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_until_answers(uri: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            psycopg.connect(uri, connect_timeout=3).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
