"""On PostgreSQL, words and parents in one index, which 0005 once made of new databases only."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

LETTERS = (
    r"0-9A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2070-\u218f\u2c00-\u2dff"
    r"\u2e80-\u2fff\u3040-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffef"
    r"\U00010000-\U0010ffff"
)
# What JSON writes behind a backslash is never a letter.
ESCAPES = r"\\(?:u[0-9a-f]{4}|.)"

MADE = (
    f"""
    CREATE OR REPLACE FUNCTION catalog_terms(parent bigint, metadata jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
        SELECT array[':' || parent] || string_to_array(lower(btrim(regexp_replace(
            regexp_replace(
                jsonb_path_query_array(metadata, 'strict $.** ? (@.type() == "string")')::text,
                '{ESCAPES}|[^{LETTERS}]+', ' ', 'g'
            ),
            '([^ ]{{200}})[^ ]+', '\\1', 'g'
        ))), ' ')
    $$
    """,
    "CREATE INDEX IF NOT EXISTS catalog_node_terms ON catalog_node "
    "USING gin (catalog_terms(parent_id, metadata))",
    "DROP INDEX IF EXISTS catalog_node_words",
    "DROP FUNCTION IF EXISTS catalog_words(jsonb)",
)
GONE = (
    "DROP INDEX IF EXISTS catalog_node_terms",
    "DROP FUNCTION IF EXISTS catalog_terms(bigint, jsonb)",
)


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the index from the nodes that there are."""
    _run(schema_editor, MADE)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove it."""
    _run(schema_editor, GONE)


def _run(schema_editor: BaseDatabaseSchemaEditor, statements: tuple[str, ...]) -> None:
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_fencing")]
    operations = [migrations.RunPython(make, drop)]
