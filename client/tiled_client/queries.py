"""Queries for `Container.search` and `Container.search_deep`.

    client.search(Key("sample.name") == "Ni").search(FullText("first light"))

A key is a path in the metadata: `sample.name`, `motors.0`. To combine queries, search again in the
result; the operators `and` and `or` do not work.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from .wire.structure_family import StructureFamily

ASCENDING: Literal[1] = 1
DESCENDING: Literal[-1] = -1

Pairs = list[tuple[str, str]]
OPERATORS = ("lt", "le", "gt", "ge")


class Query:
    """Base class of queries; `kind` is the name of the filter in the API."""

    kind: ClassVar[str]

    def encode(self) -> dict[str, str]:
        """Return the fields of the filter, as text."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise TypeError(
            "A query has no truth value: pass it to search(), and to combine two queries, search "
            "again in the result, as in c.search(...).search(...)"
        )


def filter_params(queries: Iterable[Query]) -> Pairs:
    """Return the query parameters of a URL for `queries`."""
    return [
        (f"filter[{query.kind}][condition][{name}]", value)
        for query in queries
        for name, value in query.encode().items()
    ]


@dataclass(frozen=True)
class FullText(Query):
    """Match metadata that contain all words of `text`, anywhere; case-insensitive, whole words."""

    kind = "fulltext"
    text: str

    def encode(self) -> dict[str, str]:
        """Return the words."""
        return {"text": self.text}


@dataclass(frozen=True)
class KeyLookup(Query):
    """Match the child of this key."""

    kind = "lookup"
    key: str

    def encode(self) -> dict[str, str]:
        """Return the key."""
        return {"key": self.key}


@dataclass(frozen=True)
class KeysFilter(Query):
    """Match children whose key is one of these."""

    kind = "keys_filter"
    keys: Sequence[str]

    def encode(self) -> dict[str, str]:
        """Return the keys as JSON."""
        return {"keys": json.dumps(_as_list(self.keys, "keys"))}


@dataclass(frozen=True)
class _ValueQuery(Query):
    key: str
    value: Any

    def encode(self) -> dict[str, str]:
        """Return the key, and the value as JSON."""
        return {"key": self.key, "value": json.dumps(self.value)}


@dataclass(frozen=True)
class Eq(_ValueQuery):
    """Match nodes whose value at `key` equals `value`: a scalar, None, a list or a dict."""

    kind = "eq"


@dataclass(frozen=True)
class NotEq(_ValueQuery):
    """Match nodes that have a value at `key` other than `value`."""

    kind = "noteq"


@dataclass(frozen=True)
class Contains(_ValueQuery):
    """Match nodes whose list at `key` has the element `value`, or whose string contains it."""

    kind = "contains"


@dataclass(frozen=True)
class In(_ValueQuery):
    """Match nodes whose value at `key` is one of the values in `value`."""

    kind = "in"
    value: Sequence[Any]

    def encode(self) -> dict[str, str]:
        """Return the key, and the values as JSON."""
        return {"key": self.key, "value": json.dumps(_as_list(self.value, "value"))}


@dataclass(frozen=True)
class NotIn(In):
    """Match nodes that have a value at `key` that is none of the values in `value`."""

    kind = "notin"


@dataclass(frozen=True)
class Comparison(Query):
    """Match nodes whose value at `key` compares to `value`, by "lt", "le", "gt" or "ge"."""

    kind = "comparison"
    operator: str
    key: str
    value: Any

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(
                f"operator must be one of {', '.join(OPERATORS)}, not {self.operator!r}"
            )

    def encode(self) -> dict[str, str]:
        """Return the operator, the key, and the value as JSON."""
        return {"operator": self.operator, "key": self.key, "value": json.dumps(self.value)}


@dataclass(frozen=True)
class KeyPresent(Query):
    """Match nodes whose metadata have this key, or lack it with `exists=False`; null counts."""

    kind = "keypresent"
    key: str
    exists: bool = True

    def encode(self) -> dict[str, str]:
        """Return the key, and whether it must exist."""
        return {"key": self.key, "exists": json.dumps(self.exists)}


@dataclass(frozen=True)
class Like(Query):
    r"""Match a SQL LIKE pattern: `%` is any text, `_` one character, and `\%` a percent sign."""

    kind = "like"
    key: str
    pattern: str

    def encode(self) -> dict[str, str]:
        """Return the key, and the pattern as JSON."""
        return {"key": self.key, "pattern": json.dumps(self.pattern)}


@dataclass(frozen=True)
class Regex(Query):
    """Match nodes whose string at `key` contains a match of the regular expression (RE2)."""

    kind = "regex"
    key: str
    pattern: str
    case_sensitive: bool = True

    def encode(self) -> dict[str, str]:
        """Return the key, the expression, and whether it is case-sensitive."""
        sensitive = json.dumps(self.case_sensitive)
        return {"key": self.key, "pattern": self.pattern, "case_sensitive": sensitive}


@dataclass(frozen=True)
class SpecsQuery(Query):
    """Match nodes with all specs of the names in `include`, and none of those in `exclude`."""

    kind = "specs"
    include: Sequence[str]
    exclude: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        _as_list(self.include, "include"), _as_list(self.exclude, "exclude")

    def encode(self) -> dict[str, str]:
        """Return both lists as JSON."""
        return {
            "include": json.dumps(list(self.include)),
            "exclude": json.dumps(list(self.exclude)),
        }


def SpecQuery(spec: str) -> SpecsQuery:  # noqa: N802
    """Match nodes with a spec of this name."""
    return SpecsQuery([spec])


@dataclass(frozen=True)
class StructureFamilyQuery(Query):
    """Match nodes of this structure family."""

    kind = "structure_family"
    value: StructureFamily | str

    def encode(self) -> dict[str, str]:
        """Return the name of the family. Raises ValueError if it is unknown."""
        return {"value": StructureFamily(self.value).value}


@dataclass(frozen=True)
class AccessTagsFilter(Query):
    """Match nodes that have one of these access tags."""

    kind = "access_tags_filter"
    tags: Sequence[str]

    def encode(self) -> dict[str, str]:
        """Return the tags as JSON."""
        return {"tags": json.dumps(_as_list(self.tags, "tags"))}


class Key:
    """A path in the metadata, to build comparisons with: `Key("temperature") > 300`."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __eq__(self, value: Any) -> Eq:  # type: ignore[override]
        return Eq(self.key, value)

    def __ne__(self, value: Any) -> NotEq:  # type: ignore[override]
        return NotEq(self.key, value)

    def __lt__(self, value: Any) -> Comparison:
        return Comparison("lt", self.key, value)

    def __le__(self, value: Any) -> Comparison:
        return Comparison("le", self.key, value)

    def __gt__(self, value: Any) -> Comparison:
        return Comparison("gt", self.key, value)

    def __ge__(self, value: Any) -> Comparison:
        return Comparison("ge", self.key, value)

    __hash__ = None  # type: ignore[assignment]


def _as_list(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list, not the string {values!r}")
    return list(values)
