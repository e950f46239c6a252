"""The indexes that searches are answered from, where Django has no words for them.

PostgreSQL: the metadata and the specs, for containment, and the words in the metadata, each node's
together with its parent. SQLite: the terms of each node (see `terms`), which triggers keep in step
with every change, whoever makes it.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .words import LETTERS, LONGEST_WORD

# What JSON writes behind a backslash is never a letter.
_ESCAPES = r"\\(?:u[0-9a-f]{4}|.)"

# Its cost keeps PostgreSQL from asking node after node for words that few of them have.
POSTGRESQL = (
    f"""
    CREATE OR REPLACE FUNCTION catalog_terms(parent bigint, metadata jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
        SELECT array[':' || parent] || string_to_array(lower(btrim(regexp_replace(
            regexp_replace(
                jsonb_path_query_array(metadata, 'strict $.** ? (@.type() == "string")')::text,
                '{_ESCAPES}|[^{LETTERS}]+', ' ', 'g'
            ),
            '([^ ]{{{LONGEST_WORD}}})[^ ]+', '\\1', 'g'
        ))), ' ')
    $$
    """,
    "CREATE INDEX IF NOT EXISTS catalog_node_terms ON catalog_node "
    "USING gin (catalog_terms(parent_id, metadata))",
    "CREATE INDEX IF NOT EXISTS catalog_node_metadata ON catalog_node "
    "USING gin (metadata jsonb_path_ops)",
    "CREATE INDEX IF NOT EXISTS catalog_node_specs ON catalog_node "
    "USING gin (specs jsonb_path_ops)",
)
POSTGRESQL_GONE = (
    "DROP INDEX IF EXISTS catalog_node_specs",
    "DROP INDEX IF EXISTS catalog_node_metadata",
    "DROP INDEX IF EXISTS catalog_node_terms",
    "DROP FUNCTION IF EXISTS catalog_terms(bigint, jsonb)",
)

_ADD = "INSERT INTO catalog_term (rowid, terms) VALUES (NEW.id, {new});"
_REMOVE = "INSERT INTO catalog_term (catalog_term, rowid, terms) VALUES ('delete', OLD.id, {old});"
_TERMS = {
    "new": "tiled_terms(NEW.parent_id, NEW.metadata)",
    "old": "tiled_terms(OLD.parent_id, OLD.metadata)",
}
SQLITE_TABLE = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS catalog_term USING fts5("
    "terms, content='', detail=none, columnsize=0, tokenize=\"ascii tokenchars ':='\")"
)
SQLITE_TRIGGERS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS catalog_term_{name} AFTER {event} ON catalog_node "
    f"BEGIN {body.format(**_TERMS)} END"
    for name, event, body in (
        ("added", "INSERT", _ADD),
        ("removed", "DELETE", _REMOVE),
        ("changed", "UPDATE OF parent_id, metadata", _REMOVE + _ADD),
    )
)
SQLITE_FILLED = (
    "INSERT INTO catalog_term (catalog_term) VALUES ('delete-all')",
    "INSERT INTO catalog_term (rowid, terms) "
    "SELECT id, tiled_terms(parent_id, metadata) FROM catalog_node ORDER BY id",
)
SQLITE_GONE = (
    *(f"DROP TRIGGER IF EXISTS catalog_term_{name}" for name in ("added", "removed", "changed")),
    "DROP TABLE IF EXISTS catalog_term",
)


def make_indexes(connection: BaseDatabaseWrapper) -> None:
    """Make them from what is there."""
    if connection.vendor == "sqlite":
        _run(connection, SQLITE_TABLE, *SQLITE_FILLED, *SQLITE_TRIGGERS)
    else:
        _run(connection, *POSTGRESQL)


def drop_indexes(connection: BaseDatabaseWrapper) -> None:
    """Remove them."""
    _run(connection, *(SQLITE_GONE if connection.vendor == "sqlite" else POSTGRESQL_GONE))


def restore_triggers(using: str, **_: Any) -> None:
    """Make triggers again that a migration has lost: SQLite changes a table by making a new one."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    if "catalog_term" in connection.introspection.table_names():
        _run(connection, *SQLITE_TRIGGERS)


def _run(connection: BaseDatabaseWrapper, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
