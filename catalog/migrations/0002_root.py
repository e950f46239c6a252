"""The root container, which every catalog has."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def make_root(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make it, unless it is there."""
    node = apps.get_model("catalog", "Node")
    node.objects.get_or_create(
        path="", defaults={"parent": None, "key": "", "structure_family": "container"}
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    operations = [migrations.RunPython(make_root, migrations.RunPython.noop)]
