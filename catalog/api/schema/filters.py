"""The parameters of filters, made from the kinds that there are."""

from __future__ import annotations

from collections.abc import Iterator

from drf_spectacular.utils import OpenApiParameter

from tiled_client.wire.structure_family import StructureFamily

from ...queries.comparison import OPERATORS
from ...queries.filters import FILTERS
from .operations import Json
from .parameters import query

MEANINGS = {
    "eq": "The metadata have this value under the key.",
    "noteq": "The metadata have something else under the key.",
    "comparison": "The number or text under the key is less or greater than this one.",
    "contains": "The list under the key has this element, or the text this part.",
    "in": "The metadata have one of these values under the key.",
    "notin": "The metadata have something under the key that is none of these values.",
    "keypresent": "The metadata have the key, or do not.",
    "like": "The text under the key has this form; % is anything, _ one character.",
    "regex": "The text under the key has a part that this expression of RE2 describes.",
    "fulltext": "All these words are among the texts in the metadata.",
    "specs": "Specs of these names are declared, and none of those.",
    "structure_family": "The node is of this family.",
    "keys_filter": "The node's own key is one of these.",
    "lookup": "The child of this key.",
    "access_tags_filter": "The node carries one of these tags.",
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
