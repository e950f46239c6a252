"""Build Django's settings of a database from its URI."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# In seconds. A writer may wait behind a burst of others; a longer wait is an error.
LOCK_TIMEOUT = 60
POOL_SIZE = 16
# Shorter than the timeout of clients, 30 s by default, so that they receive the error.
POOL_TIMEOUT = 15
CONNECT_TIMEOUT = 3
# A machine that loses power does not close its connections. Unless the database detects that, the
# machine's locks stay held until TCP gives up, by default after two hours; and this server has to
# detect it of the database. Keepalives do so on an idle connection, TCP_USER_TIMEOUT (milliseconds)
# where sent data is not acknowledged.
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
TCP_USER_TIMEOUT = 10_000
# No JIT: compiling a search takes longer than it saves.
SESSION_OPTIONS = " ".join(
    (
        "-c jit=off",
        *(f"-c tcp_{name}={value}" for name, value in KEEPALIVES.items()),
        f"-c tcp_user_timeout={TCP_USER_TIMEOUT}",
    )
)


def django_database(uri: str) -> dict[str, Any]:
    """Return Django's settings of the database at `uri`, which DatabaseSettings has validated."""
    scheme, _, rest = uri.partition("://")
    if scheme.startswith("sqlite"):
        return _sqlite(rest.removeprefix("/"))
    return _postgresql(uri)


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # Each thread keeps its connection: opening one takes most of the time of a small request.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # A transaction that reads before it writes cannot wait for another writer, and fails.
            # One that takes the write lock at its beginning waits.
            "transaction_mode": "IMMEDIATE",
            "timeout": LOCK_TIMEOUT,
            "init_command": (
                "PRAGMA journal_mode = WAL;"
                "PRAGMA synchronous = NORMAL;"
                "PRAGMA cache_size = -16000;"
                "PRAGMA journal_size_limit = 67108864;"
                # In pages. Each write adds an entry to the outbox, which is soon removed: with rare
                # checkpoints, pages change many times before they are copied to the database file.
                "PRAGMA wal_autocheckpoint = 8000;"
            ),
        },
    }


def _postgresql(uri: str) -> dict[str, Any]:
    parts = urlsplit(uri)
    hosts, ports = _places(parts.netloc)
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT,
        "tcp_user_timeout": TCP_USER_TIMEOUT,
        **KEEPALIVES,
        **dict(parse_qsl(parts.query, keep_blank_values=True)),
    }
    given = options.get("options")
    # PostgreSQL uses the last of several values of a parameter. `options=` in the URI sets none.
    options["options"] = given if given == "" else f"{SESSION_OPTIONS} {given or ''}".rstrip()
    # Each process opens at most this many connections; further requests wait for one.
    options["pool"] = {"max_size": POOL_SIZE, "timeout": POOL_TIMEOUT}
    return {
        "ENGINE": "tiledproject.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": hosts,
        "PORT": ports,
        "OPTIONS": options,
    }


def _places(netloc: str) -> tuple[str, str]:
    """Return the hosts and the ports, separated by commas if there are several."""
    pairs = [_host_and_port(place) for place in netloc.rpartition("@")[2].split(",")]
    ports = ",".join(port for _, port in pairs)
    return ",".join(unquote(host) for host, _ in pairs), ports if ports.strip(",") else ""


def _host_and_port(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, ""
    return host.strip("[]"), port
