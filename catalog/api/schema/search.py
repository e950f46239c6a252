"""Listings in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..nodes.distinct import DistinctView
from ..nodes.search import MAX_SEARCH_DEPTH, DeepSearchView, SearchView
from .filters import FILTERED
from .operations import INSIDE, document, operation, reference
from .parameters import MAX_DEPTH_WANTED, PAGE, RESOURCE, SORT_BY, flag, integer, text

DEPTH = integer(
    "max_depth",
    "The maximum depth of the search; by default unlimited.",
    low=1,
    high=MAX_SEARCH_DEPTH,
)
METADATA = text("metadata", "A metadata key whose distinct values to return.", many=True)
FAMILIES = flag("structure_families", False, "Return the distinct structure families.")
SPECS = flag("specs", False, "Return the distinct lists of specs.")
COUNTS = flag("counts", False, "Return the number of occurrences of each value.")

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
