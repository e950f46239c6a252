"""From the address of a database to what Django wants to know about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# Long enough for a writer to wait its turn behind a burst of others; then it is a fault to tell.
LOCK_TIMEOUT = 60
POOL_SIZE = 16


def django_database(uri: str) -> dict[str, Any]:
    """Django's description of the database at `uri`, one that DatabaseSettings let pass."""
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
            ),
        },
    }


def _postgresql(uri: str) -> dict[str, Any]:
    parts = urlsplit(uri)
    options: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    # To compile a search takes longer than what is compiled saves.
    options.setdefault("options", "-c jit=off")
    # Each process takes no more connections than this from the server, however many requests it
    # has; the others wait for one.
    options["pool"] = {"min_size": 1, "max_size": POOL_SIZE, "timeout": LOCK_TIMEOUT}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }
