"""The terms by which SQLite finds nodes, in an index of the kind that is made for words (FTS5).

Of a node these are its parent, the words in its metadata, and its facts: that a key has a value,
said in a few letters. PostgreSQL has indexes of its own for this (see `indexes`). Facts narrow a
search down; the condition itself is always put to what they leave.
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

MOST_FACTS = 500
MORE_FACTS = "=more"
"""Of a node with more facts than are kept, to which any fact may belong."""
# Beyond this a search among the children is no slower without it.
MOST_ALTERNATIVES = 100


def node_terms(parent: int | None, metadata: str) -> str:
    """All terms of a node, with spaces between them; the function that SQLite's triggers call."""
    terms = [child_of(parent or 0)]
    try:
        value = orjson.loads(metadata)
        terms += {word.lower() for text in texts_in(value) for word in words(text)}
        terms += _facts(value)
    except (ValueError, TypeError, RecursionError):
        # Nested deeper than the server lets anybody write; whoever did can still delete it.
        terms.append(MORE_FACTS)
    return " ".join(terms)


def child_of(parent: int) -> str:
    """That a node is in that container."""
    return f":{parent}"


def fact(segments: Iterable[str], value: Any) -> str:
    """That `value`, a scalar or a list, is found under these keys."""
    return _fact("\0".join(segments).encode(), value)


def match_terms(parent: int | None, facts: list[str]) -> Sql | None:
    """Nodes that may have one of `facts`; None if there are too many to ask for."""
    if len(facts) > MOST_ALTERNATIVES:
        return None
    either = " OR ".join(f'"{term}"' for term in [*facts, MORE_FACTS])
    return _matching(parent, f"({either})")


def having_words(parent: int | None, wanted: Iterable[str]) -> Sql:
    """Nodes that have all of these words."""
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
        if len(found) == MOST_FACTS:
            return [*found, MORE_FACTS]
        found.append(_fact(prefix, value))
    return found


def _values(metadata: Any) -> Iterator[tuple[bytes, Any]]:
    """All values that are no objects, each with the keys that lead to it through objects."""
    waiting = [(b"", metadata)] if isinstance(metadata, dict) else []
    while waiting:
        prefix, item = waiting.pop()
        for key, value in item.items():
            path = prefix + key.encode()
            if isinstance(value, dict):
                waiting.append((path + b"\0", value))
            else:
                yield path, value


def _fact(path: bytes, value: Any) -> str:
    text = path + b"\0=" + canonical(value)
    return "=" + hashlib.blake2b(text, digest_size=8).hexdigest()
