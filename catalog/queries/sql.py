"""Raw SQL expressions that Django's ORM cannot express."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter
from typing import Any

from django.db.models import BooleanField, Expression, F, Field, Value

Part = Expression | F


class Sql(Expression):
    """A SQL template in which `{0}`, `{1}` and so on stand for `parts`, possibly repeated.

    It is a condition unless `output_field` is given.
    """

    def __init__(
        self, template: str, *parts: Part, output_field: Field[Any, Any] | None = None
    ) -> None:
        super().__init__(output_field=output_field or BooleanField())
        self.template = template
        self.parts: list[Any] = list(parts)

    def get_source_expressions(self) -> list[Any]:
        """Return the parts."""
        return self.parts

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """Replace the parts, for instance by resolved ones."""
        self.parts = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return the SQL, and the parameters in order of occurrence."""
        compile_pattern = [compiler.compile(part) for part in self.parts]
        sql: list[str] = []
        params: list[Any] = []
        for text, number, _, _ in Formatter().parse(self.template):
            sql.append(text.replace("%", "%%"))
            if number is not None:
                part, values = compile_pattern[int(number)]
                sql.append(part)
                params.extend(values)
        return f"({''.join(sql)})", tuple(params)


def texts(items: Sequence[str]) -> Value:
    """Return a list of strings as a PostgreSQL parameter."""
    return Value(list(items))


def never() -> Sql:
    """Return a condition that no node meets."""
    return Sql("1 = 0")


def always() -> Sql:
    """Return a condition that every node meets."""
    return Sql("1 = 1")
