"""Listings in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..search import SearchView
from .operations import document, operation, reference
from .parameters import MAX_DEPTH_WANTED, PAGE, RESOURCE, SORT_BY, text

LOOKUP = text(
    "filter[lookup][condition][key]", "The child of that key; an empty listing without one."
)

extend_schema_view(
    get=operation(
        answers=document(reference("Listing")),
        parameters=[*RESOURCE, MAX_DEPTH_WANTED, *PAGE, SORT_BY, LOOKUP],
        refused=(405,),
        conditional=True,
    )
)(SearchView)
