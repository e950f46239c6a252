"""Marks of tests by what they need: `unit`, `server`, `postgres`, `slow`.

| mark | given to tests that |
| --- | --- |
| `server` | use a fixture that starts a server, or whose module starts processes itself |
| `postgres` | start a PostgreSQL of their own |
| `slow` | are in a folder whose tests run real clients, faults or every data type |
| `unit` | have none of the others: they run in this process, with SQLite and a Valkey |
"""

from __future__ import annotations

import pytest

SERVER_FIXTURES = {"server", "runserver", "multiuser_server", "tiled_reference", "site"}
SERVER_NAMES = {"running", "manage", "subprocess", "own_cache", "RunningServer"}
POSTGRES_NAMES = {"own_cluster", "Cluster"}
SLOW_FOLDERS = {"acceptance", "docs", "faults", "fuzz", "matrix", "outages"}


def marks_for(item: pytest.Function) -> set[str]:
    """Return the marks of a test, at least one."""
    names = vars(item.module)
    marks = set()
    if SERVER_FIXTURES & set(item.fixturenames) or SERVER_NAMES & set(names):
        marks.add("server")
    if POSTGRES_NAMES & set(names):
        marks.add("postgres")
    if SLOW_FOLDERS & set(item.path.parts):
        marks.add("slow")
    return marks or {"unit"}
