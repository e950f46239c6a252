"""Functions registered with SQLite, which the queries and triggers of the catalog call."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from .canonical import canonical_text
from .fts_terms import node_terms
from .patterns import compile_pattern


def add_functions(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Register the functions on a new connection."""
    if connection.vendor != "sqlite":
        return
    raw = connection.connection
    raw.create_function("tiled_terms", 2, node_terms, deterministic=True)
    raw.create_function("tiled_canonical", 1, canonical_text, deterministic=True)
    raw.create_function("tiled_regex", 3, _regex, deterministic=True)


def _regex(pattern: str, text: str | None, case_sensitive: int) -> bool:
    return (
        text is not None and compile_pattern(pattern, bool(case_sensitive)).search(text) is not None
    )
