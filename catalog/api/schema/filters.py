"""The query parameters of filters, generated from the kinds of filters."""

from __future__ import annotations

from collections.abc import Iterator

from drf_spectacular.utils import OpenApiParameter

from tiled_client.wire.structure_family import StructureFamily

from ...queries.comparison import OPERATORS
from ...queries.filters import FILTERS
from .operations import Json
from .parameters import query

MEANINGS = {
    "eq": "The value under the metadata key equals this one.",
    "noteq": "The metadata key exists with another value.",
    "comparison": "The number or string under the metadata key is less or greater than this one.",
    "contains": "The list under the metadata key has this element, or the string this substring.",
    "in": "The value under the metadata key is one of these.",
    "notin": "The metadata key exists with none of these values.",
    "keypresent": "The metadata key exists, or does not.",
    "like": "The string under the metadata key matches a pattern; % is any text, _ one character.",
    "regex": "A match for this RE2 expression is found in the string under the metadata key.",
    "fulltext": "The strings in the metadata contain all these words.",
    "specs": "The node declares all specs in `include` and none in `exclude`.",
    "structure_family": "The node has this structure family.",
    "created": (
        "The node was created at or after `since` and before `until`: ISO 8601 with a time zone, "
        "or seconds since 1970. An extension of this server."
    ),
    "keys_filter": "The key of the node is one of these.",
    "lookup": "The child with this key.",
    "access_tags_filter": "The node has one of these access tags.",
}
TYPES: dict[str, Json] = {
    "raw": {"type": "string"},
    "flag": {"type": "boolean"},
    "json": {"type": "string", "contentMediaType": "application/json", "examples": ['"red"']},
    "text": {"type": "string", "contentMediaType": "application/json", "examples": ['"Ni%"']},
    "list": {"type": "string", "contentMediaType": "application/json", "examples": ["[1, 2]"]},
    "texts": {"type": "string", "contentMediaType": "application/json", "examples": ['["a"]']},
}
CHOICES: dict[tuple[str, str], Json] = {
    ("comparison", "operator"): {"type": "string", "enum": list(OPERATORS)},
    ("structure_family", "value"): {
        "type": "string",
        "enum": [family.value for family in StructureFamily],
    },
}


def _parameters() -> Iterator[OpenApiParameter]:
    for name, kind in FILTERS.items():
        for field, form in kind.fields.items():
            yield query(
                f"filter[{name}][condition][{field}]",
                CHOICES.get((name, field), TYPES[form]),
                MEANINGS[name],
                many=True,
            )


FILTERED = tuple(_parameters())
