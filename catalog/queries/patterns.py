"""Pattern matches: SQL LIKE and regular expressions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2
from django.db.models import Q, Value

from core.bounds import bounds, exceeded
from core.errors import BadRequest

from ..database_vendor import on_postgresql
from .paths import MetadataPath
from .sql import Sql

MAX_PATTERN_CHARS = 1000
# Each wildcard is tried at every position.
MAX_WILDCARDS = 20
WILDCARDS = {"%": "*", "_": "?"}
# Escapes with different names in RE2 and PostgreSQL.
BOUNDARIES = {r"\b": r"\y", r"\B": r"\Y", r"\z": r"\Z"}
IGNORE_CASE = "(?i)"
ESCAPE = re.compile(r"\\.", re.DOTALL)


def like(path: MetadataPath, pattern: str) -> Q:
    """Match strings by a LIKE pattern: `%` matches anything, `_` one character; case-sensitive.

    A backslash escapes the next character. Raises BadRequest.
    """
    parts = _parts(pattern)
    if len(pattern) > MAX_PATTERN_CHARS or parts.count("%") > MAX_WILDCARDS:
        raise BadRequest(
            f"A pattern has at most {MAX_PATTERN_CHARS} characters, of which at most "
            f"{MAX_WILDCARDS} may be %."
        )
    if on_postgresql():
        return Q(Sql("{0} = 'string' AND {1} LIKE {2}", path.kind, path.text, Value(pattern)))
    glob = Value("".join(_to_glob(part) for part in parts))
    return Q(Sql("{0} = 'text' AND {1} GLOB {2}", path.kind, path.value, glob))


def _to_glob(part: str) -> str:
    """Return the pattern part for SQLite's GLOB, which is case-sensitive, unlike its LIKE."""
    if part in WILDCARDS:
        return WILDCARDS[part]
    return f"[{part[-1]}]" if part[-1] in "*?[" else part[-1]


def _parts(pattern: str) -> list[str]:
    """Return the characters, each together with a backslash before it."""
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    if sum(map(len, parts)) < len(pattern):
        raise BadRequest(r"A pattern must not end in a single backslash; \\ is a backslash.")
    return parts


def regex(path: MetadataPath, pattern: str, case_sensitive: bool) -> Q:
    """Match strings in which the expression is found.

    The syntax is RE2's: without back-references and look-around, so that every expression runs
    in linear time. Raises BadRequest.
    """
    check_expression(pattern)
    if pattern.startswith(IGNORE_CASE):
        pattern, case_sensitive = pattern.removeprefix(IGNORE_CASE), False
    if on_postgresql():
        sign, expression = "~" if case_sensitive else "~*", Value(_postgresql_expression(pattern))
        return Q(Sql(f"{{0}} = 'string' AND {{1}} {sign} {{2}}", path.kind, path.text, expression))
    return Q(
        Sql(
            "{0} = 'text' AND tiled_regex({2}, {1}, {3})",
            *(path.kind, path.value, Value(pattern), Value(int(case_sensitive))),
        )
    )


def check_expression(pattern: str) -> None:
    """Raise BadRequest for an invalid regular expression, or one that is too large."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise BadRequest(f"A regular expression has at most {MAX_PATTERN_CHARS} characters.")
    try:
        size = compile_pattern(pattern, True).programsize
    except re2.error as error:
        # re2 gives its message as bytes.
        reason = b"".join(arg for arg in error.args if isinstance(arg, bytes)).decode() or error
        raise BadRequest(f"{pattern!r} is not a valid regular expression: {reason}") from error
    if size > bounds().regex_size:
        # PostgreSQL compiles it for each string, in time quadratic in its size.
        raise BadRequest(exceeded("Size of the compiled regular expression", size, "regex_size"))


@lru_cache(maxsize=64)
def compile_pattern(pattern: str, case_sensitive: bool) -> Any:
    """Return the compiled expression. Raises re2.error."""
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.log_errors = False
    return re2.compile(pattern, options=options)


def _postgresql_expression(pattern: str) -> str:
    renamed = ESCAPE.sub(lambda found: BOUNDARIES.get(found[0], found[0]), pattern)
    # Without (?p), a dot would match a newline.
    return f"(?p){renamed}"
