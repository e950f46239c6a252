"""Compile a Django query once and run it many times: compiling takes longer than running.

The SQL is the ORM's own for the database vendor, and the results are model objects as the ORM
creates them.
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


class _CompiledQuery(NamedTuple):
    """The SQL of a query for one vendor, with the description of its rows."""

    sql: str
    model: Any
    fields: list[str]
    columns: slice
    converters: list[tuple[int, list[Converter], Any]]
    related: list[Any]


class PreparedQuery(Generic[Found]):
    """A query that runs many times, with other parameters each time.

    `build` returns the queryset with placeholder values. `fetch` takes the parameters in the order
    of their occurrence in the SQL, already converted to database values.
    """

    def __init__(self, build: Callable[[], QuerySet[Found]]) -> None:
        self._build = build
        self._compiled: dict[str, _CompiledQuery] = {}
        self._lock = threading.Lock()

    def fetch(self, *parameters: Any) -> list[Found]:
        """Return the model objects, with their selected related objects."""
        compiled = self._for(vendor())
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, parameters)
            rows = cursor.fetchall()
        return [_build_object(compiled, row) for row in rows]

    def _for(self, kind: str) -> _CompiledQuery:
        compiled = self._compiled.get(kind)
        if compiled is None:
            with self._lock:
                compiled = self._compiled[kind] = _compile(self._build())
        return compiled


def _build_object(compiled: _CompiledQuery, row: Sequence[Any]) -> Any:
    values = list(row)
    for index, converters, expression in compiled.converters:
        for convert in converters:
            values[index] = convert(values[index], expression, connection)
    instance = compiled.model.from_db(connection.alias, compiled.fields, values[compiled.columns])
    for related in compiled.related:
        related.populate(values, instance)
    return instance


def _compile(queryset: QuerySet[Any]) -> _CompiledQuery:
    compiler = queryset.query.get_compiler(connection=connection)
    sql, _ = compiler.as_sql()
    select, found = compiler.select, compiler.klass_info
    assert found is not None
    selected = found["select_fields"]
    columns = slice(selected[0], selected[-1] + 1)
    converters = compiler.get_converters([column[0] for column in select])
    return _CompiledQuery(
        sql=sql,
        model=found["model"],
        fields=[column[0].target.attname for column in select[columns]],
        columns=columns,
        converters=[(index, convert, column) for index, (convert, column) in converters.items()],
        related=get_related_populators(found, select, connection.alias),  # type: ignore[call-arg]
    )


def raw_insert(instance: Model) -> None:
    """Insert the row of a new object and set its id, without Django's signals.

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
