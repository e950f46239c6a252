"""From the address of a database to Django's description of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

import orjson
import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.conftest import API_KEY
from tests.in_process_server import answer, header
from tiledproject.config.databases import django_database


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_sqlite_waits_for_other_writers(scheme: str) -> None:
    database = django_database(f"{scheme}:////srv/tiled/catalog.db")
    assert database["NAME"] == "/srv/tiled/catalog.db"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["timeout"] >= 30


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_part_of_a_postgresql_address_counts(scheme: str) -> None:
    database = django_database(f"{scheme}://me:p%40ss@db.example.org:5433/tiled?sslmode=require")
    named = {name: database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    assert named == {
        "NAME": "tiled",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db.example.org",
        "PORT": "5433",
    }
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["options"].startswith("-c jit=off ")


def test_startup_options_of_postgresql_may_be_given_in_the_uri() -> None:
    database = django_database("postgresql://db.example.org/tiled?options=")
    assert database["OPTIONS"]["options"] == ""


@contextmanager
def unreachable() -> Iterator[None]:
    """In this thread the database is a PostgreSQL at an address where nobody listens."""
    before = connections[DEFAULT_DB_ALIAS]
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        place = {"HOST": "127.0.0.1", "PORT": str(line.getsockname()[1]), "OPTIONS": {}}
        connections[DEFAULT_DB_ALIAS] = DatabaseWrapper({**copy(before.settings_dict), **place})
        try:
            yield
        finally:
            connections[DEFAULT_DB_ALIAS] = before


@pytest.mark.django_db
@pytest.mark.parametrize("credentials", [API_KEY, "0f" * 36])
@pytest.mark.parametrize(("method", "address"), [("GET", "metadata/a"), ("POST", "metadata/")])
def test_an_unreachable_database_is_reported_so_that_clients_retry(
    method: str, address: str, credentials: str
) -> None:
    body = b'{"structure_family": "container"}' if method == "POST" else b""
    headers = {"authorization": f"Apikey {credentials}"}
    with unreachable():
        got = answer(method, f"/api/v1/{address}", body, headers)
    assert (got.status, header(got, "Retry-After")) == (503, "1")
    assert orjson.loads(got.body)["detail"].startswith("The database cannot be reached")
