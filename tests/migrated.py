"""A database with all migrations applied, which each server of the tests starts with a copy of.

Applying them takes a second, which only the tests of starting from nothing need.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from django.db import connection
from psycopg.sql import SQL, Identifier

from tests.settings import FOLDER

_file: Path | None = None
_database: str | None = None


@contextmanager
def saved_for_copies(uri: str | None) -> Iterator[None]:
    """Save the test database, which has the migrations and nothing else, for the block.

    Both are dropped in the end, even if a thread of a test is still connected.
    `uri` names the PostgreSQL of the tests; empty or None where they run on SQLite.
    """
    global _file, _database
    own = str(connection.settings_dict["NAME"])
    if not uri:
        with closing(sqlite3.connect(own)) as source:
            _copy(source, FOLDER / "migrated.db")
        _file = FOLDER / "migrated.db"
        yield
        return
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL copies no database in use.
    name = f"tiled_migrated_{secrets.token_hex(6)}"
    with psycopg.connect(uri, autocommit=True) as admin:
        _create(admin, name, own)
    _database = name
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    with psycopg.connect(uri, autocommit=True) as admin:
        for database in (name, own):
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(database)))


def copy_to(path: Path) -> None:
    """Copy the SQLite database to `path`, unless there is one already."""
    if _file is not None and not path.exists():
        with closing(sqlite3.connect(_file)) as source:
            _copy(source, path)
        path.chmod(0o600)


def create_copy(admin: psycopg.Connection, name: str) -> None:
    """Create a PostgreSQL database: a copy, or empty where nothing was saved."""
    _create(admin, name, _database or "template1")


def _create(admin: psycopg.Connection, name: str, template: str) -> None:
    # A connection pooler keeps connections open.
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
        [template],
    )
    admin.execute(
        SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template))
    )


def _copy(source: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path)) as target:
        source.backup(target)
