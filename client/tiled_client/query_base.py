"""Base class of queries, and the checks and conversions of their fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar

from .arguments import names_of
from .jsonable import jsonable
from .wire.specs import Spec

Pairs = list[tuple[str, str]]


class Query:
    """Base class of queries; `kind` is the name of the filter in the API."""

    kind: ClassVar[str]
    # Fields that are names or texts, and not empty.
    _texts: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self._texts:
            value = getattr(self, name)
            if not isinstance(value, str):
                raise TypeError(f"{name} of {type(self).__name__} must be a string, not {value!r}")
            if not value:
                raise ValueError(f"{name} of {type(self).__name__} must not be empty")

    def __and__(self, other: Any) -> Any:
        raise TypeError(
            "queries are not combined by & and |: search again in the result, as in "
            "c.search(...).search(...), which is AND; for OR, see In"
        )

    __or__ = __and__

    def encode(self) -> dict[str, str]:
        """Return the fields of the filter, as text."""
        raise NotImplementedError

    def parts(self) -> Sequence[Query]:
        """Return the filters that this query is, which all have to match: by default itself."""
        return (self,)

    def __bool__(self) -> bool:
        raise TypeError(
            "A query has no truth value: pass it to search(), and to combine two queries, search "
            "again in the result, as in c.search(...).search(...)"
        )


def as_query(value: Any, function: str) -> Query:
    """Return a query. Raises TypeError for other objects."""
    if isinstance(value, Query):
        return value
    raise TypeError(
        f'{function} takes a query of tiled_client.queries, such as Key("color") == "red" or '
        f'FullText("red"), not {value if isinstance(value, type) else type(value).__name__}'
    )


def filter_params(queries: Iterable[Query]) -> Pairs:
    """Return the query parameters of a URL for `queries`."""
    return [
        (f"filter[{part.kind}][condition][{name}]", value)
        for query in queries
        for part in query.parts()
        for name, value in part.encode().items()
    ]


def time_text(name: str, time: datetime | str | float | None) -> str:
    """Return a time as text. Raises ValueError for a datetime without a time zone."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError(f"{name} must have a time zone, as in datetime.now(UTC), not {time!r}")
        return time.isoformat()
    return "" if time is None else str(time)


def as_list(values: Iterable[Any], name: str) -> list[Any]:
    """Return a list. Raises TypeError, for a string as well."""
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list, not the string {values!r}")
    if not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list, not {values!r}")
    return list(values)


def spec_names(specs: Iterable[Any], name: str) -> tuple[str, ...]:
    """Return the names of specs, given by name or as `Spec`. Raises TypeError."""
    found = [spec.name if isinstance(spec, Spec) else spec for spec in as_list(specs, name)]
    return tuple(names_of(found, name))


def value_json(value: Any) -> str:
    """Return a value as JSON, converted as that of metadata is. Raises TypeError, ValueError."""
    return json.dumps(jsonable(value, "value"))
