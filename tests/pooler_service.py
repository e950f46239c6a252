"""Run a command with TEST_DATABASE_URI set to a PgBouncer in transaction mode that runs meanwhile.

`python -m tests.pooler_service COMMAND ...`; the exit code is that of the command. The PostgreSQL
behind it is of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tools.backends.pgbouncer import own_pgbouncer
from tools.backends.postgresql_cluster import own_cluster

SETTINGS = ("max_client_conn=2000", "default_pool_size=10", "server_idle_timeout=20")


def main() -> int:
    """Run the command of the command line."""
    with (
        own_cluster(options="-c max_connections=400 -c fsync=off") as cluster,
        own_pgbouncer(cluster, "transaction", *SETTINGS) as port,
    ):
        # PgBouncer rejects `options`, and only the connections of servers are opened without them.
        variables = {"TEST_DATABASE_URI": f"{cluster.uri_at(port)}?options="}
        return subprocess.run(sys.argv[1:], env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
