"""A database that does not fit the code is reported with a remedy, and mended."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from catalog.models import Node
from tiledproject.config.errors import ConfigError
from tiledproject.schema import differences
from tiledproject.start_checks import DATABASE_CHECKS, refuse_outdated

from .conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)
DAMAGES = {
    "sqlite": {
        "DROP TRIGGER catalog_term_added": "full-text index catalog_term_added",
        "DROP INDEX children_in_order": "index children_in_order",
        "ALTER TABLE catalog_datasource DROP COLUMN folder": "column folder",
    },
    "postgresql": {
        "DROP FUNCTION catalog_terms CASCADE": "function catalog_terms",
        "DROP INDEX children_in_order": "index children_in_order",
        "ALTER TABLE catalog_datasource DROP COLUMN folder": "column folder",
    },
}


@pytest.mark.parametrize("number", range(3))
def test_what_differs_is_named_and_mended(number: int) -> None:
    statement, name = list(DAMAGES[connection.vendor].items())[number]
    refuse_outdated()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert name in differences(connection)[0].text
    with pytest.raises(ConfigError, match=r"check_schema --repair"):
        refuse_outdated()
    with pytest.raises(CommandError, match="differences from this version"):
        call_command("check_schema", stdout=io.StringIO())
    told = io.StringIO()
    call_command("check_schema", repair=True, stdout=told)
    assert name in told.getvalue()
    assert "Repaired" in told.getvalue()
    assert not differences(connection)


def test_searches_work_again_after_a_repair(api: Api) -> None:
    lost = (
        "TRIGGER catalog_term_added" if connection.vendor == "sqlite" else "FUNCTION catalog_terms"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {lost} {'' if connection.vendor == 'sqlite' else 'CASCADE'}")
    body = {"id": "x", "structure_family": "container", "metadata": {"text": "heron"}}
    assert api.send("POST", "/metadata/", body).status_code == 200
    call_command("check_schema", repair=True, stdout=io.StringIO())
    found = api.json("/search/?filter[fulltext][condition][text]=heron")["data"]
    assert [item["id"] for item in found] == ["x"]


def test_a_missing_migration_is_named_with_its_remedy() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("catalog", "0010_asset_rows")
    try:
        with pytest.raises(
            ConfigError, match=r"catalog\.0010_asset_rows is missing; run .* migrate"
        ):
            refuse_outdated()
    finally:
        recorder.record_applied("catalog", "0010_asset_rows")


def test_a_database_of_a_later_version_is_left_alone(
    settings: object, caplog: pytest.LogCaptureFixture
) -> None:
    schema_check = DATABASE_CHECKS[0]
    recorder = MigrationRecorder(connection)
    recorder.record_applied("catalog", "9999_of_a_later_version")
    try:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX children_in_order")
        call_command("migrate", verbosity=0)
        found = connection.introspection.get_constraints(connection.cursor(), Node._meta.db_table)
        assert "children_in_order" not in found
        schema_check(settings.TILED)  # type: ignore[attr-defined]
        assert "catalog.9999_of_a_later_version" in caplog.text
    finally:
        recorder.record_unapplied("catalog", "9999_of_a_later_version")
        call_command("migrate", verbosity=0)
    refuse_outdated()
