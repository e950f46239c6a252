"""What nodes have that come from Tiled: long keys, and several data sources."""

from __future__ import annotations

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

SIZE = 'ALTER TABLE catalog_node ALTER COLUMN "key" TYPE varchar({})'


def _resize(size: int) -> object:
    def run(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        # SQLite enforces no length, and Django would make the table anew, without its triggers.
        if schema_editor.connection.vendor == "postgresql":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(SIZE.format(size))

    return run


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0011_accounting'),
    ]

    operations = [
        migrations.AddField(
            model_name='datasource',
            name='further',
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(_resize(1023), _resize(255))],
            state_operations=[
                migrations.AlterField(
                    model_name='node',
                    name='key',
                    field=models.CharField(editable=False, max_length=1023),
                ),
            ],
        ),
    ]
