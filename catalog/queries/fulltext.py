"""Full-text search in the strings of the metadata."""

from __future__ import annotations

from django.db.models import F, Q, Value

from core.errors import BadRequest

from ..database_vendor import on_postgresql
from . import fts_terms
from .sql import Sql, never
from .words import words

MAX_WORDS = 100


def fulltext(text: str, parent: int | None) -> Q:
    """Match nodes that have all words of `text`, in any order and case.

    Raises BadRequest.
    """
    wanted = list(dict.fromkeys(words(text)))
    if len(wanted) > MAX_WORDS:
        raise BadRequest(f"A full-text search has at most {MAX_WORDS} words.")
    if not wanted:
        return Q(never())
    if on_postgresql():
        within = [] if parent is None else [fts_terms.child_of(parent)]
        return Q(
            Sql(
                "catalog_terms({0}, {1}) @> string_to_array(lower({2}::text), ' ')",
                F("parent_id"),
                F("metadata"),
                Value(" ".join([*within, *wanted])),
            )
        )
    return Q(fts_terms.match_words(parent, wanted))
