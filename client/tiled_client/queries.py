"""Queries for `Container.search` and `Container.search_deep`.

    client.search(Key("sample.name") == "Ni").search(FullText("first light"))

A key is a path in the metadata: `sample.name`, `motors.0`. To combine queries, search again in the
result; the operators `and` and `or` do not work.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from .arguments import flag, names_of
from .query_base import Query, as_list, spec_names, time_text, value_json
from .wire.specs import Spec
from .wire.structure_family import StructureFamily

ASCENDING: Literal[1] = 1
DESCENDING: Literal[-1] = -1

OPERATORS = ("lt", "le", "gt", "ge")


@dataclass(frozen=True)
class FullText(Query):
    """Match metadata that contain all words of `text`, anywhere; case-insensitive, whole words."""

    kind = "fulltext"
    _texts = ("text",)
    text: str

    def encode(self) -> dict[str, str]:
        """Return the words."""
        return {"text": self.text}


@dataclass(frozen=True)
class KeyLookup(Query):
    """Match the child of this key."""

    kind = "lookup"
    _texts = ("key",)
    key: str

    def encode(self) -> dict[str, str]:
        """Return the key."""
        return {"key": self.key}


@dataclass(frozen=True)
class KeysFilter(Query):
    """Match children whose key is one of these."""

    kind = "keys_filter"
    keys: Sequence[str]

    def __post_init__(self) -> None:
        names_of(as_list(self.keys, "keys"), "keys")

    def encode(self) -> dict[str, str]:
        """Return the keys as JSON."""
        return {"keys": json.dumps(as_list(self.keys, "keys"))}


@dataclass(frozen=True)
class _ValueQuery(Query):
    _texts = ("key",)
    key: str
    value: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        value_json(self.value)

    def encode(self) -> dict[str, str]:
        """Return the key, and the value as JSON."""
        return {"key": self.key, "value": value_json(self.value)}


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

    def __post_init__(self) -> None:
        as_list(self.value, "value")
        super().__post_init__()

    def encode(self) -> dict[str, str]:
        """Return the key, and the values as JSON."""
        return {"key": self.key, "value": value_json(as_list(self.value, "value"))}


@dataclass(frozen=True)
class NotIn(In):
    """Match nodes that have a value at `key` that is none of the values in `value`."""

    kind = "notin"


@dataclass(frozen=True)
class Comparison(Query):
    """Match nodes whose value at `key` compares to `value`, by "lt", "le", "gt" or "ge"."""

    kind = "comparison"
    _texts = ("operator", "key")
    operator: str
    key: str
    value: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        value_json(self.value)
        if self.operator not in OPERATORS:
            raise ValueError(
                f"operator must be one of {', '.join(OPERATORS)}, not {self.operator!r}"
            )

    def encode(self) -> dict[str, str]:
        """Return the operator, the key, and the value as JSON."""
        return {"operator": self.operator, "key": self.key, "value": value_json(self.value)}


@dataclass(frozen=True)
class KeyPresent(Query):
    """Match nodes whose metadata have this key, or lack it with `exists=False`; null counts."""

    kind = "keypresent"
    _texts = ("key",)
    key: str
    exists: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        flag(self.exists, "exists")

    def encode(self) -> dict[str, str]:
        """Return the key, and whether it must exist."""
        return {"key": self.key, "exists": json.dumps(flag(self.exists, "exists"))}


@dataclass(frozen=True)
class Like(Query):
    r"""Match a SQL LIKE pattern: `%` is any text, `_` one character, and `\%` a percent sign."""

    kind = "like"
    _texts = ("key", "pattern")
    key: str
    pattern: str

    def encode(self) -> dict[str, str]:
        """Return the key, and the pattern as JSON."""
        return {"key": self.key, "pattern": json.dumps(self.pattern)}


@dataclass(frozen=True)
class Regex(Query):
    """Match nodes whose string at `key` contains a match of the regular expression (RE2)."""

    kind = "regex"
    _texts = ("key", "pattern")
    key: str
    pattern: str
    case_sensitive: bool = True

    def encode(self) -> dict[str, str]:
        """Return the key, the expression, and whether it is case-sensitive."""
        sensitive = json.dumps(flag(self.case_sensitive, "case_sensitive"))
        return {"key": self.key, "pattern": self.pattern, "case_sensitive": sensitive}


@dataclass(frozen=True)
class SpecsQuery(Query):
    """Match nodes with all specs of the names in `include`, and none of those in `exclude`."""

    kind = "specs"
    include: Sequence[str | Spec]
    exclude: Sequence[str | Spec] = field(default=())

    def __post_init__(self) -> None:
        for name in ("include", "exclude"):
            object.__setattr__(self, name, spec_names(getattr(self, name), name))

    def encode(self) -> dict[str, str]:
        """Return both lists as JSON."""
        return {
            "include": json.dumps(list(self.include)),
            "exclude": json.dumps(list(self.exclude)),
        }


def SpecQuery(spec: str | Spec) -> SpecsQuery:  # noqa: N802
    """Match nodes with a spec of this name."""
    return SpecsQuery([spec])


@dataclass(frozen=True)
class StructureFamilyQuery(Query):
    """Match nodes of this structure family."""

    kind = "structure_family"
    value: StructureFamily | str

    def __post_init__(self) -> None:
        if self.value not in list(StructureFamily):
            known = ", ".join(StructureFamily)
            raise ValueError(f"value must be one of {known}, not {self.value!r}")

    def encode(self) -> dict[str, str]:
        """Return the name of the family. Raises ValueError if it is unknown."""
        return {"value": StructureFamily(self.value).value}


@dataclass(frozen=True)
class Created(Query):
    """Match nodes created at or after `since` and before `until`.

    Times are datetimes with a time zone, ISO 8601 texts with one, or seconds since 1970.
    """

    kind = "created"
    since: datetime | str | float | None = None
    until: datetime | str | float | None = None

    def encode(self) -> dict[str, str]:
        """Return both times as text. Raises ValueError for a datetime without a time zone."""
        # Both, as those of several filters are distinguished by their order.
        return {"since": time_text("since", self.since), "until": time_text("until", self.until)}


@dataclass(frozen=True)
class AccessTagsFilter(Query):
    """Match nodes that have one of these access tags."""

    kind = "access_tags_filter"
    tags: Sequence[str]

    def __post_init__(self) -> None:
        names_of(as_list(self.tags, "tags"), "tags")

    def encode(self) -> dict[str, str]:
        """Return the tags as JSON."""
        return {"tags": json.dumps(as_list(self.tags, "tags"))}


class Key:
    """A path in the metadata, to build comparisons with: `Key("temperature") > 300`."""

    def __init__(self, key: str) -> None:
        if not isinstance(key, str):
            raise TypeError(f"a key must be a string such as 'sample.name', not {key!r}")
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

    def __bool__(self) -> bool:
        raise TypeError('a Key is not a query: compare it, as in Key("color") == "red"')

    __hash__ = None  # type: ignore[assignment]
