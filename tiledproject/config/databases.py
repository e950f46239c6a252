"""Derive Django's description of a database from its URI."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# Long enough for a writer to wait its turn behind a burst of others; then it is a fault to tell.
LOCK_TIMEOUT = 60
POOL_SIZE = 16
# Clients give up after 30 s by default, and should hear the reason before.
POOL_TIMEOUT = 15
CONNECT_TIMEOUT = 3
# A machine that lost its power says no goodbye: the database must notice by itself, or what the
# machine had locked stays locked until TCP gives up, after two hours. And so must this server.
# Keepalives notice it on an idle connection, the other where an answer was about to be sent.
KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
TCP_USER_TIMEOUT = 10_000
# To compile a search takes longer than what is compiled saves.
SESSION_OPTIONS = " ".join(
    (
        "-c jit=off",
        *(f"-c tcp_{name}={value}" for name, value in KEEPALIVES.items()),
        f"-c tcp_user_timeout={TCP_USER_TIMEOUT}",
    )
)


def django_database(uri: str) -> dict[str, Any]:
    """Return Django's description of the database at `uri`, which DatabaseSettings accepted."""
    scheme, _, rest = uri.partition("://")
    if scheme.startswith("sqlite"):
        return _sqlite(rest.removeprefix("/"))
    return _postgresql(uri)


def _sqlite(path: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # Connections live as long as the thread that opened them, and opening one is the dearest
        # part of a small request.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # A transaction that reads first and writes later cannot wait for another writer, it
            # fails. One that takes the write lock at its beginning waits.
            "transaction_mode": "IMMEDIATE",
            "timeout": LOCK_TIMEOUT,
            "init_command": (
                "PRAGMA journal_mode = WAL;"
                "PRAGMA synchronous = NORMAL;"
                "PRAGMA cache_size = -16000;"
                "PRAGMA journal_size_limit = 67108864;"
                # Pages. Each write makes an entry of the outbox, which is removed soon: most pages
                # change many times before they have to be written into the database itself.
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
    # Of two values for one parameter, PostgreSQL takes the last. An empty text asks for none.
    options["options"] = given if given == "" else f"{SESSION_OPTIONS} {given or ''}".rstrip()
    # Each process takes no more connections than this from the server, however many requests it
    # has; the others wait for one.
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
    """Return the hosts and the ports, with commas between them where there are several."""
    pairs = [_host_and_port(place) for place in netloc.rpartition("@")[2].split(",")]
    ports = ",".join(port for _, port in pairs)
    return ",".join(unquote(host) for host, _ in pairs), ports if ports.strip(",") else ""


def _host_and_port(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, ""
    return host.strip("[]"), port
