"""Search nodes by their path, metadata, specs or UUID."""

from __future__ import annotations

import json
import uuid

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.text import smart_split, unescape_string_literal

from ..models import Node

HELP = "Words in the path, the metadata or the specs, or a UUID; searches all descendants."


def search(nodes: QuerySet[Node], query: str) -> QuerySet[Node]:
    """Return those of `nodes` that contain every word; quoted words are one phrase."""
    texts = nodes.alias(
        metadata_text=Cast("metadata", TextField()), specs_text=Cast("specs", TextField())
    )
    for word in smart_split(query.replace("\0", "")):
        texts = texts.filter(_found(_unquoted(word)))
    return texts


def _found(word: str) -> Q:
    # JSON text escapes quotes, and in SQLite all letters beyond ASCII, with backslashes.
    escaped = [json.dumps(word, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    found = Q(path__icontains=word)
    for text in set(escaped):
        found |= Q(metadata_text__icontains=text) | Q(specs_text__icontains=text)
    try:
        return found | Q(uuid=uuid.UUID(word))
    except ValueError:
        return found


def _unquoted(word: str) -> str:
    quoted = len(word) > 1 and word[0] in "\"'" and word[0] == word[-1]
    return unescape_string_literal(word) if quoted else word
