"""From the address of a database to Django's description of it."""

from __future__ import annotations

import pytest

from tiledproject.databases import django_database


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
