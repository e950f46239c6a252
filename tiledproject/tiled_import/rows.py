"""Insert many rows of a model at once.

Times are stored as they are given: `QuerySet.bulk_create` would set them to now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model


def insert_rows(objects: Sequence[Model], *, ignore_conflicts: bool = False) -> None:
    """Insert new objects of one model; their ids are not set. Raises database errors."""
    if not objects:
        return
    model: Any = type(objects[0])
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    quote = connection.ops.quote_name
    names = ", ".join(quote(field.column) for field in fields)
    marks = ", ".join("%s" for _ in fields)
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    table = quote(model._meta.db_table)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}){ending}"  # noqa: S608
    rows = [
        [field.get_db_prep_save(getattr(one, field.attname), connection) for field in fields]
        for one in objects
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
