"""Search indexes that Django cannot declare.

PostgreSQL: containment in metadata and specs, and the words in the metadata of each node together
with its parent. SQLite: the terms of each node (see `fts_terms`), which triggers keep up to date.
"""

from __future__ import annotations

import logging
from typing import Any

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Index, Model

from core.migration_state import migration_state

from .words import LETTERS, MAX_WORD_CHARS

logger = logging.getLogger(__name__)

REPAIR_CLASS = 0x711EF
# Escape sequences of JSON never stand for letters.
_ESCAPES = r"\\(?:u[0-9a-f]{4}|.)"

# The high cost makes PostgreSQL use the index instead of evaluating the function for each node.
FUNCTION_BODY = f"""
        SELECT array[':' || parent] || string_to_array(lower(btrim(regexp_replace(
            regexp_replace(
                jsonb_path_query_array(metadata, 'strict $.** ? (@.type() == "string")')::text,
                '{_ESCAPES}|[^{LETTERS}]+', ' ', 'g'
            ),
            '([^ ]{{{MAX_WORD_CHARS}}})[^ ]+', '\\1', 'g'
        ))), ' ')
    """
FUNCTION = (
    "CREATE OR REPLACE FUNCTION catalog_terms(parent bigint, metadata jsonb) RETURNS text[] "
    f"LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $${FUNCTION_BODY}$$"
)
# Spelled as pg_get_indexdef returns them.
POSTGRESQL_INDEXES = {
    "catalog_node_terms": "gin (catalog_terms(parent_id, metadata))",
    "catalog_node_metadata": "gin (metadata jsonb_path_ops)",
    "catalog_node_specs": "gin (specs jsonb_path_ops)",
}
FUNCTION_INDEX = "catalog_node_terms"

_ADD = "INSERT INTO catalog_term (rowid, terms) VALUES (NEW.id, {new});"
_REMOVE = "INSERT INTO catalog_term (catalog_term, rowid, terms) VALUES ('delete', OLD.id, {old});"
_TERMS = {
    "new": "tiled_terms(NEW.parent_id, NEW.metadata)",
    "old": "tiled_terms(OLD.parent_id, OLD.metadata)",
}
SQLITE = {
    "catalog_term": "CREATE VIRTUAL TABLE catalog_term USING fts5("
    "terms, content='', detail=none, columnsize=0, tokenize=\"ascii tokenchars ':='\")",
    **{
        f"catalog_term_{name}": f"CREATE TRIGGER catalog_term_{name} AFTER {event} ON catalog_node "
        f"BEGIN {body.format(**_TERMS)} END"
        for name, event, body in (
            ("added", "INSERT", _ADD),
            ("removed", "DELETE", _REMOVE),
            ("changed", "UPDATE OF parent_id, metadata", _REMOVE + _ADD),
        )
    },
}
SQLITE_FILL = (
    "INSERT INTO catalog_term (catalog_term) VALUES ('delete-all')",
    "INSERT INTO catalog_term (rowid, terms) "
    "SELECT id, tiled_terms(parent_id, metadata) FROM catalog_node ORDER BY id",
)
SQLITE_DROP = (
    *(f"DROP TRIGGER IF EXISTS catalog_term_{name}" for name in ("added", "removed", "changed")),
    "DROP TABLE IF EXISTS catalog_term",
)


def restore(sender: AppConfig, using: str, **_: Any) -> None:
    """Recreate missing or outdated indexes after every `migrate`.

    A restored copy may lack them; and SQLite alters a table by creating a new one, without
    triggers. Each repair is logged. Those of a later version are left alone: during an upgrade,
    servers of both versions use the database.
    """
    connection = connections[using]
    if "catalog_node" not in connection.introspection.table_names():
        return
    if migration_state(connection).later:
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            _restore_sqlite(cursor)
        else:
            # If several servers start together, the lock lets only one of them do the repair.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [REPAIR_CLASS])
            _restore_postgresql(cursor)
    for model in sender.get_models():
        _restore_declared(connection, model)


def differing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return which functions, triggers and indexes of searches are missing or differ."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return [f"full-text index {name}" for name in _differing_sqlite(cursor)]
        function = [] if _has_function(cursor) else ["function catalog_terms"]
        return function + [f"index {name}" for name in _differing_postgresql(cursor)]


def missing_declared(connection: BaseDatabaseWrapper, model: type[Model]) -> list[Index]:
    """Return the indexes that a model declares and its table lacks."""
    with connection.cursor() as cursor:
        if model._meta.db_table not in connection.introspection.table_names(cursor):
            return []
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [index for index in model._meta.indexes if index.name not in found]


def _restore_declared(connection: BaseDatabaseWrapper, model: type[Model]) -> None:
    if missing := missing_declared(connection, model):
        logger.warning("Repairing the indexes %s", ", ".join(index.name for index in missing))
        with connection.schema_editor() as editor:
            for index in missing:
                editor.add_index(model, index)


def _differing_sqlite(cursor: Any) -> list[str]:
    cursor.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'catalog_term%'")
    found = {name: str(sql).replace("IF NOT EXISTS ", "") for name, sql in cursor.fetchall()}
    return [name for name, sql in SQLITE.items() if found.get(name) != sql]


def _restore_sqlite(cursor: Any) -> None:
    wrong = _differing_sqlite(cursor)
    if not wrong:
        return
    logger.warning("Repairing the full-text index: %s", ", ".join(wrong))
    # Changes that a missing trigger did not index are unknown: rebuild the whole index.
    for statement in (*SQLITE_DROP, *SQLITE.values(), *SQLITE_FILL):
        cursor.execute(statement)


def _has_function(cursor: Any) -> bool:
    cursor.execute(
        "SELECT prosrc FROM pg_proc WHERE oid = to_regprocedure('catalog_terms(bigint, jsonb)')"
    )
    return bool(cursor.fetchone() == (FUNCTION_BODY,))


def _differing_postgresql(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT relname, pg_get_indexdef(oid) FROM pg_class JOIN pg_index ON indexrelid = oid "
        "WHERE indrelid = 'catalog_node'::regclass AND indisvalid"
    )
    found = {name: definition.partition(" USING ")[2] for name, definition in cursor.fetchall()}
    return [name for name, made in POSTGRESQL_INDEXES.items() if found.get(name) != made]


def _restore_postgresql(cursor: Any) -> None:
    wrong = set(_differing_postgresql(cursor))
    if not _has_function(cursor):
        wrong.add(FUNCTION_INDEX)
        logger.warning("Repairing the function catalog_terms")
        cursor.execute(f"DROP INDEX IF EXISTS {FUNCTION_INDEX}")
        cursor.execute(FUNCTION)
    for name in sorted(wrong):
        logger.warning("Repairing the index %s", name)
        cursor.execute(f"DROP INDEX IF EXISTS {name}")
        cursor.execute(f"CREATE INDEX {name} ON catalog_node USING {POSTGRESQL_INDEXES[name]}")
