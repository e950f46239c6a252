"""Terms of nodes in SQLite's full-text index (FTS5).

The terms of a node are its parent, the words in its metadata, and hashes of its key-value pairs.
PostgreSQL has other indexes for this (see `indexes`). Key-value terms narrow a search down; the
exact condition is always evaluated on the remaining nodes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.db.models import F, Value

from .canonical import canonical
from .sql import Sql
from .words import texts_in, words

MAX_TERMS_PER_NODE = 500
INCOMPLETE = "=more"
"""The term of nodes with more key-value pairs than are indexed: any pair may match."""
# With more alternatives, scanning the children is as fast as the index.
MAX_ALTERNATIVES = 100


def node_terms(parent: int | None, metadata: str) -> str:
    """Return all terms of a node, separated by spaces; SQLite's triggers call this function."""
    terms = [child_of(parent or 0)]
    try:
        value = orjson.loads(metadata)
        terms += {word.lower() for text in texts_in(value) for word in words(text)}
        terms += _facts(value)
    except (ValueError, TypeError, RecursionError):
        # Nested deeper than the server accepts; such a node can still be deleted.
        terms.append(INCOMPLETE)
    return " ".join(terms)


def child_of(parent: int) -> str:
    """Return the term of nodes in that container."""
    return f":{parent}"


def key_value_term(segments: Iterable[str], value: Any) -> str:
    """Return the term of `value`, a scalar or a list, under these keys."""
    return _key_value_term("\0".join(segments).encode(), value)


def match_terms(parent: int | None, key_values: list[str]) -> Sql | None:
    """Match nodes that may have one of the terms; return None if there are too many terms."""
    if len(key_values) > MAX_ALTERNATIVES:
        return None
    either = " OR ".join(f'"{term}"' for term in [*key_values, INCOMPLETE])
    return _matching(parent, f"({either})")


def match_words(parent: int | None, wanted: Iterable[str]) -> Sql:
    """Match nodes that have all of these words."""
    return _matching(parent, " AND ".join(f'"{word.lower()}"' for word in wanted))


def _matching(parent: int | None, match: str) -> Sql:
    within = "" if parent is None else f'"{child_of(parent)}" AND '
    return Sql(
        "{0} IN (SELECT rowid FROM catalog_term WHERE catalog_term MATCH {1})",
        F("pk"),
        Value(within + match),
    )


def _facts(metadata: Any) -> list[str]:
    found: list[str] = []
    for prefix, value in _values(metadata):
        if len(found) == MAX_TERMS_PER_NODE:
            return [*found, INCOMPLETE]
        found.append(_key_value_term(prefix, value))
    return found


def _values(metadata: Any) -> Iterator[tuple[bytes, Any]]:
    """Yield all values that are not objects, each with the object keys that lead to it."""
    waiting = [(b"", metadata)] if isinstance(metadata, dict) else []
    while waiting:
        prefix, item = waiting.pop()
        for key, value in item.items():
            path = prefix + key.encode()
            if isinstance(value, dict):
                waiting.append((path + b"\0", value))
            else:
                yield path, value


def _key_value_term(path: bytes, value: Any) -> str:
    text = path + b"\0=" + canonical(value)
    return "=" + hashlib.blake2b(text, digest_size=8).hexdigest()
