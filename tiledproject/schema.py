"""Compare the database with the schema of this version: migrations, tables, indexes, functions.

The record of a migration says that it was applied, not that its content was today's: a database may
lack a function or a column although all migrations are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper

from catalog.queries import indexes
from core.migration_state import migration_state
from core.program import program


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference, as a phrase, and the command that removes it, or another remedy."""

    text: str
    remedy: str


def differences(connection: BaseDatabaseWrapper) -> list[Difference]:
    """Return how a database differs from the schema of this version.

    If migrations are missing, or of a later version, nothing else is compared.
    """
    state = migration_state(connection)
    if state.pending:
        remedy = f"run {program()} migrate"
        return [Difference(f"the migration {name} is missing", remedy) for name in state.pending]
    if state.later:
        remedy = "update this server"
        return [
            Difference(f"the migration {name} is of a later version", remedy)
            for name in state.later
        ]
    remedy = f"run {program()} check_schema --repair"
    return [Difference(text, remedy) for text in _differing(connection)]


def repair(connection: BaseDatabaseWrapper) -> None:
    """Add missing columns, and recreate indexes, functions and triggers that differ."""
    for model, fields in _missing_columns(connection):
        with connection.schema_editor() as editor:
            for field in fields:
                editor.add_field(model, field)
    indexes.restore(apps.get_app_config("catalog"), connection.alias)
    for model in _models():
        if missing := indexes.missing_declared(connection, model):
            with connection.schema_editor() as editor:
                for index in missing:
                    editor.add_index(model, index)


def _differing(connection: BaseDatabaseWrapper) -> Iterator[str]:
    for model, fields in _missing_columns(connection):
        for field in fields:
            yield f"the column {field.column} of the table {model._meta.db_table} is missing"
    for text in indexes.differing(connection):
        yield f"the {text} is missing, or not that of this version"
    for model in _models():
        for index in indexes.missing_declared(connection, model):
            yield f"the index {index.name} of the table {model._meta.db_table} is missing"


def _missing_columns(connection: BaseDatabaseWrapper) -> Iterator[tuple[Any, list[Any]]]:
    with connection.cursor() as cursor:
        for model in _models():
            described = connection.introspection.get_table_description(cursor, model._meta.db_table)
            found = {column.name for column in described}
            fields = model._meta.local_concrete_fields
            if missing := [field for field in fields if field.column not in found]:
                yield model, missing


def _models() -> list[Any]:
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if model._meta.managed and not model._meta.proxy]
