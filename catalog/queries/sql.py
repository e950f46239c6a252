"""Expressions written out in SQL, for what Django has no words for."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter
from typing import Any

from django.db.models import BooleanField, Expression, F, Field, Value

Part = Expression | F


class Sql(Expression):
    """SQL in which `{0}`, `{1}` and so on stand for `parts`, each as often as it is wanted.

    Unless told otherwise, a condition.
    """

    def __init__(
        self, template: str, *parts: Part, output_field: Field[Any, Any] | None = None
    ) -> None:
        super().__init__(output_field=output_field or BooleanField())
        self.template = template
        self.parts: list[Any] = list(parts)

    def get_source_expressions(self) -> list[Any]:
        """The parts."""
        return self.parts

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """Take other parts, as when they were resolved."""
        self.parts = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """The text, and the values of its parts in the order in which they stand there."""
        compiled = [compiler.compile(part) for part in self.parts]
        sql: list[str] = []
        params: list[Any] = []
        for text, number, _, _ in Formatter().parse(self.template):
            sql.append(text.replace("%", "%%"))
            if number is not None:
                part, values = compiled[int(number)]
                sql.append(part)
                params.extend(values)
        return f"({''.join(sql)})", tuple(params)


def texts(items: Sequence[str]) -> Value:
    """A list of texts as a value of PostgreSQL."""
    return Value(list(items))


def never() -> Sql:
    """What no node fulfils."""
    return Sql("1 = 0")


def always() -> Sql:
    """What every node fulfils."""
    return Sql("1 = 1")
