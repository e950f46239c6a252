"""Queries that are put together once: Django takes several times as long for that as they take.

The text is the ORM's own for the kind of database that is asked, and what is found are model
objects as the ORM makes them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators

from ..database_vendor import vendor

Found = TypeVar("Found", bound=Model)
Converter = Callable[[Any, Any, Any], Any]


class _Ready(NamedTuple):
    """A query for one kind of database, and how its rows become objects."""

    sql: str
    model: Any
    fields: list[str]
    place: slice
    converters: list[tuple[int, list[Converter], Any]]
    related: list[Any]


class Prepared(Generic[Found]):
    """A query that differs from time to time in its parameters alone.

    `build` gives it with any values in their place. Parameters are given as the database takes
    them, in the order in which they stand in the query.
    """

    def __init__(self, build: Callable[[], QuerySet[Found]]) -> None:
        self._build = build
        self._ready: dict[str, _Ready] = {}
        self._lock = threading.Lock()

    def fetch(self, *parameters: Any) -> list[Found]:
        """Return the model objects, with those that were selected along with them."""
        ready = self._for(vendor())
        with connection.cursor() as cursor:
            cursor.execute(ready.sql, parameters)
            rows = cursor.fetchall()
        return [_made(ready, row) for row in rows]

    def _for(self, kind: str) -> _Ready:
        ready = self._ready.get(kind)
        if ready is None:
            with self._lock:
                ready = self._ready[kind] = _prepared(self._build())
        return ready


def _made(ready: _Ready, row: Sequence[Any]) -> Any:
    values = list(row)
    for place, converters, expression in ready.converters:
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    made = ready.model.from_db(connection.alias, ready.fields, values[ready.place])
    for related in ready.related:
        related.populate(values, made)
    return made


def _prepared(queryset: QuerySet[Any]) -> _Ready:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, _ = compiler.as_sql()
    select, found = compiler.select, compiler.klass_info
    assert found is not None
    columns = found["select_fields"]
    place = slice(columns[0], columns[-1] + 1)
    converters = compiler.get_converters([column[0] for column in select])
    return _Ready(
        sql=sql,
        model=found["model"],
        fields=[column[0].target.attname for column in select[place]],
        place=place,
        converters=[(at, convert, column) for at, (convert, column) in converters.items()],
        related=get_related_populators(found, select, connection.alias),  # type: ignore[call-arg]
    )


def insert(instance: Model) -> None:
    """Make the row of a new object, with all its columns, and give it its id; no signals are sent.

    Raises IntegrityError as `save` does.
    """
    model: Any = type(instance)
    columns = _columns(model)
    values = [
        field.get_db_prep_save(field.pre_save(instance, True), connection) for field in columns
    ]
    with connection.cursor() as cursor:
        cursor.execute(_insertion(model, vendor()), values)
        instance.pk = cursor.fetchone()[0]
    instance._state.adding = False
    instance._state.db = connection.alias


@cache
def _columns(model: Any) -> list[Any]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


@cache
def _insertion(model: Any, kind: str) -> str:
    quoted = connection.ops.quote_name
    names = ", ".join(quoted(field.column) for field in _columns(model))
    marks = ", ".join("%s" for _ in _columns(model))
    table, key = quoted(model._meta.db_table), quoted(model._meta.pk.column)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING {key}"  # noqa: S608
