"""The indexes that searches are answered from.

Like every migration that was applied somewhere, this one is frozen: it says itself what it makes,
and what it lacks is made by a later one.
"""

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

POSTGRESQL = (
    f"""
    CREATE OR REPLACE FUNCTION catalog_words(metadata jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT string_to_array(lower(btrim(regexp_replace(
            regexp_replace(
                jsonb_path_query_array(metadata, 'strict $.** ? (@.type() == "string")')::text,
                '{ESCAPES}|[^{LETTERS}]+', ' ', 'g'
            ),
            '([^ ]{{200}})[^ ]+', '\\1', 'g'
        ))), ' ')
    $$
    """,
    "CREATE INDEX IF NOT EXISTS catalog_node_words ON catalog_node "
    "USING gin (catalog_words(metadata))",
    "CREATE INDEX IF NOT EXISTS catalog_node_metadata ON catalog_node "
    "USING gin (metadata jsonb_path_ops)",
    "CREATE INDEX IF NOT EXISTS catalog_node_specs ON catalog_node "
    "USING gin (specs jsonb_path_ops)",
)
POSTGRESQL_GONE = (
    "DROP INDEX IF EXISTS catalog_node_specs",
    "DROP INDEX IF EXISTS catalog_node_metadata",
    "DROP INDEX IF EXISTS catalog_node_words",
    "DROP FUNCTION IF EXISTS catalog_words(jsonb)",
)

ADD = "INSERT INTO catalog_term (rowid, terms) VALUES (NEW.id, {new});"
REMOVE = "INSERT INTO catalog_term (catalog_term, rowid, terms) VALUES ('delete', OLD.id, {old});"
TERMS = {
    "new": "tiled_terms(NEW.parent_id, NEW.metadata)",
    "old": "tiled_terms(OLD.parent_id, OLD.metadata)",
}
SQLITE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS catalog_term USING fts5("
    "terms, content='', detail=none, columnsize=0, tokenize=\"ascii tokenchars ':='\")",
    "INSERT INTO catalog_term (catalog_term) VALUES ('delete-all')",
    "INSERT INTO catalog_term (rowid, terms) "
    "SELECT id, tiled_terms(parent_id, metadata) FROM catalog_node ORDER BY id",
    *(
        f"CREATE TRIGGER IF NOT EXISTS catalog_term_{name} AFTER {event} ON catalog_node "
        f"BEGIN {body.format(**TERMS)} END"
        for name, event, body in (
            ("added", "INSERT", ADD),
            ("removed", "DELETE", REMOVE),
            ("changed", "UPDATE OF parent_id, metadata", REMOVE + ADD),
        )
    ),
)
SQLITE_GONE = (
    *(f"DROP TRIGGER IF EXISTS catalog_term_{name}" for name in ("added", "removed", "changed")),
    "DROP TABLE IF EXISTS catalog_term",
)


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make them from the nodes that there are."""
    _run(schema_editor, SQLITE, POSTGRESQL)


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove them."""
    _run(schema_editor, SQLITE_GONE, POSTGRESQL_GONE)


def _run(
    schema_editor: BaseDatabaseSchemaEditor, sqlite: tuple[str, ...], postgresql: tuple[str, ...]
) -> None:
    with schema_editor.connection.cursor() as cursor:
        for statement in sqlite if schema_editor.connection.vendor == "sqlite" else postgresql:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_tag_paths")]
    operations = [migrations.RunPython(make, drop)]
