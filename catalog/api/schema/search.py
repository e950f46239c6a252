"""Listings in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..nodes.distinct import DistinctView
from ..nodes.search import DEEPEST, DeepSearchView, SearchView
from .filters import FILTERED
from .operations import INSIDE, document, operation, reference
from .parameters import MAX_DEPTH_WANTED, PAGE, RESOURCE, SORT_BY, flag, integer, text

DEPTH = integer(
    "max_depth", "How many levels down to look; all, where it is not said.", low=1, high=DEEPEST
)
METADATA = text("metadata", "A key of the metadata to give the values of.", many=True)
FAMILIES = flag("structure_families", False, "Give the structure families.")
SPECS = flag("specs", False, "Give the lists of specs.")
COUNTS = flag("counts", False, "Say how often each is there.")

extend_schema_view(
    get=operation(
        answers=document(reference("Listing")),
        parameters=[*RESOURCE, MAX_DEPTH_WANTED, *PAGE, SORT_BY, *FILTERED],
        refused=(405, *INSIDE),
        conditional=True,
    )
)(SearchView)

extend_schema_view(
    get=operation(
        answers=document(reference("Listing")),
        parameters=[*RESOURCE, DEPTH, *PAGE, SORT_BY, *FILTERED],
        refused=(405, *INSIDE),
        conditional=True,
    )
)(DeepSearchView)

extend_schema_view(
    get=operation(
        answers=document(reference("Distinct")),
        parameters=[METADATA, FAMILIES, SPECS, COUNTS, *FILTERED],
        refused=(405, *INSIDE),
        conditional=True,
    )
)(DistinctView)
