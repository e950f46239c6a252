"""Migrations never change, and what a database lacks of this version's indexes is made again."""

from __future__ import annotations

import ast
import hashlib
import logging
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from catalog.queries import indexes
from tests.servers import PROJECT

from .conftest import Api

APPS = ("access", "catalog", "streaming")
# What migrations may import of the project: columns of these kinds are as they were.
COLUMNS = {"catalog.fields", "access.models.rights"}
LIST = Path(__file__).with_name("migrations.sha256")
HOW = (
    "A migration that has landed may have been applied somewhere, so it must stay as it is: make "
    "another. Write the line of a new one to tests/catalog/migrations.sha256."
)


def migrations() -> list[Path]:
    found = [path for app in APPS for path in (PROJECT / app / "migrations").glob("0*.py")]
    return sorted(found)


def test_no_migration_was_changed() -> None:
    now = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(PROJECT)}"
        for path in migrations()
    ]
    assert now == LIST.read_text().splitlines(), HOW


def test_no_migration_hangs_on_code_that_changes() -> None:
    for path in migrations():
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [node.module or ""]
            own = {name for name in names if name.partition(".")[0] in (*APPS, "tiledproject")}
            assert own <= COLUMNS, f"{path} imports {own - COLUMNS}. {HOW}"


DAMAGES = {
    "sqlite": [
        ["DROP TRIGGER catalog_term_added"],
        ["DROP TABLE catalog_term"],
        ["DROP INDEX children_in_order"],
        [
            "DROP TRIGGER catalog_term_changed",
            "CREATE TRIGGER catalog_term_changed AFTER DELETE ON catalog_node BEGIN SELECT 1; END",
        ],
    ],
    "postgresql": [
        ["DROP INDEX catalog_node_terms"],
        ["DROP FUNCTION catalog_terms CASCADE"],
        ["DROP INDEX children_in_order"],
        [
            "DROP INDEX catalog_node_specs",
            "CREATE INDEX catalog_node_specs ON catalog_node (id)",
        ],
        [
            "CREATE OR REPLACE FUNCTION catalog_terms(parent bigint, metadata jsonb) "
            "RETURNS text[] LANGUAGE sql IMMUTABLE AS $$SELECT '{none}'::text[]$$"
        ],
    ],
}


@pytest.mark.parametrize("number", range(5))
def test_what_was_damaged_is_repaired_by_the_next_migrate(
    api: Api, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    damages = DAMAGES[connection.vendor]
    if number >= len(damages):
        pytest.skip(f"{connection.vendor} has fewer parts")
    node = {"id": "x", "structure_family": "container", "metadata": {"text": "heron"}}
    assert api.send("POST", "/metadata/", node).status_code == 200
    with connection.cursor() as cursor:
        for statement in damages[number]:
            cursor.execute(statement)
    call_command("migrate", verbosity=0)
    found = api.json("/search/?filter[fulltext][condition][text]=heron")["data"]
    assert [item["id"] for item in found] == ["x"]
    assert "Repairing" in caplog.text
    caplog.clear()
    call_command("migrate", verbosity=0)
    assert "Repairing" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_definitions_are_written_as_the_database_writes_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    indexes.restore(sender=apps.get_app_config("catalog"), using="default")
    assert not caplog.records
