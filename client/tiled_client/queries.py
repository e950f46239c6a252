"""What a container can be searched for.

    client.search(Key("sample.name") == "Ni").search(FullText("first light"))

A key is a place in the metadata: `sample.name`, `motors.0`. Queries are joined by searching again
in what was found; the words `and` and `or` cannot do it.
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
    """One condition. `encode` says it as the fields of a filter; `kind` is the filter's name."""

    kind: ClassVar[str]

    def encode(self) -> dict[str, str]:
        """The fields of the filter, as texts."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise TypeError(
            "A query is neither true nor false: give it to search(), and to join two, search again "
            "in what was found, as in c.search(...).search(...)"
        )


def filter_params(queries: Iterable[Query]) -> Pairs:
    """The parameters that say `queries` in an address."""
    return [
        (f"filter[{query.kind}][condition][{name}]", value)
        for query in queries
        for name, value in query.encode().items()
    ]


@dataclass(frozen=True)
class FullText(Query):
    """Metadata with all words of `text` in them, whole, anywhere; capitals do not count."""

    kind = "fulltext"
    text: str

    def encode(self) -> dict[str, str]:
        """The words."""
        return {"text": self.text}


@dataclass(frozen=True)
class KeyLookup(Query):
    """The child of this key."""

    kind = "lookup"
    key: str

    def encode(self) -> dict[str, str]:
        """The key."""
        return {"key": self.key}


@dataclass(frozen=True)
class KeysFilter(Query):
    """Children whose key is one of these."""

    kind = "keys_filter"
    keys: Sequence[str]

    def encode(self) -> dict[str, str]:
        """The keys as JSON."""
        return {"keys": json.dumps(_listed(self.keys, "keys"))}


@dataclass(frozen=True)
class _OfValue(Query):
    key: str
    value: Any

    def encode(self) -> dict[str, str]:
        """The key, and the value as JSON."""
        return {"key": self.key, "value": json.dumps(self.value)}


@dataclass(frozen=True)
class Eq(_OfValue):
    """The value under `key` is `value`: a text, a number, true, false, None, a list or a dict."""

    kind = "eq"


@dataclass(frozen=True)
class NotEq(_OfValue):
    """Something other than `value` is under `key`."""

    kind = "noteq"


@dataclass(frozen=True)
class Contains(_OfValue):
    """The list under `key` has the element `value`, or the text there has it as a part."""

    kind = "contains"


@dataclass(frozen=True)
class In(_OfValue):
    """One of the values in `value` is under `key`."""

    kind = "in"
    value: Sequence[Any]

    def encode(self) -> dict[str, str]:
        """The key, and the values as JSON."""
        return {"key": self.key, "value": json.dumps(_listed(self.value, "value"))}


@dataclass(frozen=True)
class NotIn(In):
    """Something is under `key` that is none of the values in `value`."""

    kind = "notin"


@dataclass(frozen=True)
class Comparison(Query):
    """What is under `key` is less or greater than `value`: "lt", "le", "gt" or "ge"."""

    kind = "comparison"
    operator: str
    key: str
    value: Any

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"operator must be one of {', '.join(OPERATORS)}")

    def encode(self) -> dict[str, str]:
        """The operator, the key, and the value as JSON."""
        return {"operator": self.operator, "key": self.key, "value": json.dumps(self.value)}


@dataclass(frozen=True)
class KeyPresent(Query):
    """The metadata have this key, be it null; with `exists=False`, they have not."""

    kind = "keypresent"
    key: str
    exists: bool = True

    def encode(self) -> dict[str, str]:
        """The key, and whether it is wanted."""
        return {"key": self.key, "exists": json.dumps(self.exists)}


@dataclass(frozen=True)
class Like(Query):
    r"""The text under `key` has this form: `%` is anything, `_` one character, `\%` a percent."""

    kind = "like"
    key: str
    pattern: str

    def encode(self) -> dict[str, str]:
        """The key, and the pattern as JSON."""
        return {"key": self.key, "pattern": json.dumps(self.pattern)}


@dataclass(frozen=True)
class Regex(Query):
    """The text under `key` has a part that the regular expression (of RE2) describes."""

    kind = "regex"
    key: str
    pattern: str
    case_sensitive: bool = True

    def encode(self) -> dict[str, str]:
        """The key, the expression, and whether capitals count."""
        sensitive = json.dumps(self.case_sensitive)
        return {"key": self.key, "pattern": self.pattern, "case_sensitive": sensitive}


@dataclass(frozen=True)
class SpecsQuery(Query):
    """Specs of all the names in `include` are declared, and none of those in `exclude`."""

    kind = "specs"
    include: Sequence[str]
    exclude: Sequence[str] = field(default=())

    def __post_init__(self) -> None:
        _listed(self.include, "include"), _listed(self.exclude, "exclude")

    def encode(self) -> dict[str, str]:
        """Both lists as JSON."""
        return {
            "include": json.dumps(list(self.include)),
            "exclude": json.dumps(list(self.exclude)),
        }


def SpecQuery(spec: str) -> SpecsQuery:  # noqa: N802
    """A spec of this name is declared."""
    return SpecsQuery([spec])


@dataclass(frozen=True)
class StructureFamilyQuery(Query):
    """Nodes of this family."""

    kind = "structure_family"
    value: StructureFamily | str

    def encode(self) -> dict[str, str]:
        """The family's name. Raises ValueError for none."""
        return {"value": StructureFamily(self.value).value}


@dataclass(frozen=True)
class AccessTagsFilter(Query):
    """Nodes that bear one of these tags."""

    kind = "access_tags_filter"
    tags: Sequence[str]

    def encode(self) -> dict[str, str]:
        """The tags as JSON."""
        return {"tags": json.dumps(_listed(self.tags, "tags"))}


class Key:
    """A place in the metadata, to be compared with a value: `Key("temperature") > 300`."""

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


def _listed(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list, not a text")
    return list(values)
