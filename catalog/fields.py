"""Columns of our own kind."""

from __future__ import annotations

from itertools import chain, groupby, repeat
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class StructureField(models.JSONField):
    """A structure in the wire's form, kept short in the database.

    An array that grew row by row has as many chunks as rows; runs of equal chunks are stored as
    `[size, count]`, so that a write to it does not cost more the longer it has run.
    """

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """The wire's form."""
        return _with_chunks(super().from_db_value(value, expression, connection), _expanded)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """The short form."""
        return super().get_db_prep_value(_with_chunks(value, _runs), connection, prepared)


def _with_chunks(structure: Any, convert: Any) -> Any:
    if not isinstance(structure, dict) or "chunks" not in structure:
        return structure
    return {**structure, "chunks": [convert(sizes) for sizes in structure["chunks"]]}


def _runs(sizes: list[int]) -> list[list[int]]:
    return [[size, len(list(run))] for size, run in groupby(sizes)]


def _expanded(runs: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(repeat(size, count) for size, count in runs))
