"""Words anywhere in the texts of the metadata."""

from __future__ import annotations

from django.db.models import F, Q, Value

from core.errors import BadRequest

from ..database_vendor import on_postgresql
from . import fts_terms
from .sql import Sql, never
from .words import words

MOST_WORDS = 100


def fulltext(text: str, parent: int | None) -> Q:
    """All words of `text` are there, whole, in any place and order; case does not count.

    Raises BadRequest.
    """
    wanted = list(dict.fromkeys(words(text)))
    if len(wanted) > MOST_WORDS:
        raise BadRequest(f"At most {MOST_WORDS} words can be searched for at once.")
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
    return Q(fts_terms.having_words(parent, wanted))
