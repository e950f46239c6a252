"""A model of the filters in plain Python, to compare the databases' results with."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.queries.filters import Filter
from catalog.queries.words import WORD

NOTHING = object()
INDEX = re.compile("0|[1-9][0-9]*")


def matches(metadata: dict[str, Any], segments: Sequence[str], query: Filter) -> bool:
    """Return whether a node with these metadata passes the filter on `segments`."""
    found, values = at(metadata, segments), query.values
    match query.kind:
        case "eq":
            return same(found, values["value"])
        case "noteq":
            return found is not NOTHING and not same(found, values["value"])
        case "in":
            return any(same(found, value) for value in values["value"])
        case "notin":
            missing = found is NOTHING and bool(values["value"])
            return not missing and not any(same(found, value) for value in values["value"])
        case "keypresent":
            return (found is not NOTHING) is values["exists"]
        case "comparison":
            return compare(found, values["operator"], values["value"])
        case "contains":
            return contains(found, values["value"])
        case "like":
            return isinstance(found, str) and liked(found, values["pattern"])
        case "fulltext":
            words = {word.lower() for text in texts(metadata) for word in WORD.findall(text)}
            wanted = {word.lower() for word in WORD.findall(values["text"])}
            return bool(wanted) and wanted <= words
    raise AssertionError(query.kind)


def at(value: Any, segments: Sequence[str]) -> Any:
    for key in segments:
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return NOTHING
    return value


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return kind(one) == kind(other) and bool(one == other)


def kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def compare(found: Any, name: str, value: Any) -> bool:
    return kind(found) == kind(value) and bool(getattr(operator, name)(found, value))


def contains(found: Any, value: Any) -> bool:
    if isinstance(found, str):
        return isinstance(value, str) and value in found
    return isinstance(found, list) and any(same(item, value) for item in found)


def liked(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    jokers = {"%": ".*", "_": "."}
    expression = "".join(jokers.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
