"""Paths in metadata: `sample.name`, `motors.0`, `"key.with.dots".x`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property

import orjson
from django.db.models import F, TextField, Value

from core.errors import Invalid

from ..database_vendor import on_postgresql
from .sql import Part, Sql, texts

SEGMENT = re.compile(r'("(?:[^"\\]|\\.)*"|[^.]*)(\.|\Z)', re.DOTALL)
INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
# PostgreSQL accepts these as list indexes, too.
NEARLY_INDEX = re.compile(r"\s*[+-]?[0-9]+\s*")
# SQLite before 3.45 cannot find keys with these characters, nor an empty key.
UNSUPPORTED_KEY = re.compile(r'["\\]|[\x00-\x1f]')
MAX_KEY_PARTS = 50
MAX_KEY_CHARS = 1000


@dataclass(frozen=True)
class MetadataPath:
    """Keys that lead to a value; one like `0` is a key of an object, or an index of a list."""

    segments: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> MetadataPath:
        """Parse keys separated by dots; a key in double quotes, as in JSON, may contain dots.

        Raises Invalid.
        """
        if len(text) > MAX_KEY_CHARS or "\0" in text:
            raise Invalid(f"A metadata key has at most {MAX_KEY_CHARS} characters, and no NUL.")
        segments, place = [], 0
        while True:
            found = SEGMENT.match(text, place)
            if found is None:  # text follows the closing quote: treat it as an unquoted key
                found = re.compile(r"([^.]*)(\.|\Z)", re.DOTALL).match(text, place)
                assert found is not None
            segments.append(_unquoted(found[1]))
            place = found.end()
            if not found[2]:
                break
        if len(segments) > MAX_KEY_PARTS:
            raise Invalid(f"A metadata key has at most {MAX_KEY_PARTS} parts.")
        return cls(tuple(segments))

    @property
    def plain(self) -> bool:
        """True if the path leads through objects only, and not into a list."""
        return not any(INDEX.fullmatch(segment) for segment in self.segments)

    @cached_property
    def value(self) -> Sql:
        """The value: of type jsonb in PostgreSQL, of SQLite's own type, where lists are texts."""
        if on_postgresql():
            return _postgresql_value(self.segments)
        if self._simple:
            return _text("json_extract({0}, {1})", F("metadata"), self._json_path)
        return _walked(self.segments, "value")

    @cached_property
    def kind(self) -> Sql:
        """The database's name for the type of the value; NULL if it does not exist."""
        if on_postgresql():
            return _text("jsonb_typeof({0})", self.value)
        if self._simple:
            return _text("json_type({0}, {1})", F("metadata"), self._json_path)
        return _walked(self.segments, "type")

    @property
    def present(self) -> Sql:
        """The condition that the value exists, null included."""
        return Sql("{0} IS NOT NULL", self.kind)

    @property
    def text(self) -> Sql:
        """The text of a string; undefined for other types."""
        return _text("{0} #>> '{{}}'", self.value) if on_postgresql() else self.value

    @property
    def _simple(self) -> bool:
        return self.plain and not any(
            UNSUPPORTED_KEY.search(key) or not key for key in self.segments
        )

    @property
    def _json_path(self) -> Value:
        return Value("$" + "".join(f".{json.dumps(key)}" for key in self.segments))


def _unquoted(segment: str) -> str:
    if len(segment) < 2 or segment[0] != '"' or segment[-1] != '"':
        return segment
    try:
        key = str(orjson.loads(segment))
    except ValueError:
        return segment
    if "\0" in key:
        raise Invalid("A metadata key must not have a NUL.")
    return key


def _text(template: str, *parts: Part) -> Sql:
    return Sql(template, *parts, output_field=TextField())


def _postgresql_value(segments: tuple[str, ...]) -> Sql:
    if not any(_misread(segment) for segment in segments):
        return _text("{0} #> {1}::text[]", F("metadata"), texts(segments))
    value: F | Sql = F("metadata")
    for key in segments:
        value = (
            _text("{0} -> {1}::text", value, Value(key))
            if _misread(key)
            else _text("{0} #> {1}::text[]", value, texts([key]))
        )
    assert isinstance(value, Sql)
    return value


def _misread(segment: str) -> bool:
    return bool(NEARLY_INDEX.fullmatch(segment)) and not INDEX.fullmatch(segment)


def _walked(segments: tuple[str, ...], column: str) -> Sql:
    """Build a join over SQLite's `json_each` tables, one per key."""
    steps, conditions = [], []
    for number, _ in enumerate(segments, 1):
        inner = f"s{number - 1}"
        below = f"CASE WHEN {inner}.type IN ('object', 'array') THEN {inner}.value END"
        steps.append(f"json_each({'{0}' if number == 1 else below}) AS s{number}")
        conditions.append(f"CAST(s{number}.key AS TEXT) = {{{number}}}")
    return _text(
        f"SELECT s{len(segments)}.{column} FROM {', '.join(steps)} "  # noqa: S608
        f"WHERE {' AND '.join(conditions)}",
        F("metadata"),
        *map(Value, segments),
    )
