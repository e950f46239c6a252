"""The indexes that searches are answered from."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from catalog.queries.indexes import drop_indexes, make_indexes


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make them from the nodes that there are."""
    make_indexes(schema_editor.connection)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove them."""
    drop_indexes(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_tag_paths")]
    operations = [migrations.RunPython(make, drop)]
