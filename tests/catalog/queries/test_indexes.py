"""SQLite's index of terms outlives what happens to the table of nodes."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from catalog.models import Node

from ..conftest import Api

FIRST = "/search/?fields=&filter[fulltext][condition][text]="


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's own index")
def test_searches_work_after_a_migration_that_recreates_the_table(api: Api) -> None:
    def make(key: str) -> None:
        body = {"id": key, "structure_family": "container", "metadata": {"note": f"about {key}"}}
        assert api.send("POST", "/metadata/", body).status_code == 200

    make("before")
    with connection.schema_editor() as editor:
        editor._remake_table(Node)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
        assert cursor.fetchone() == (0,)
    call_command("migrate", verbosity=0)
    make("after")
    assert [item["id"] for item in api.json(f"{FIRST}before")["data"]] == ["before"]
    assert [item["id"] for item in api.json(f"{FIRST}about")["data"]] == ["before", "after"]
