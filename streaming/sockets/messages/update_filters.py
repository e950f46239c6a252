"""Build the filter of a subscription from its options."""

from __future__ import annotations

from uuid import UUID

from tiled_client.wire.errors import WireError
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from ...protocol.subscription_options import InvalidOptions, SubscriptionOptions
from .known_sizes import known_sizes
from .reducing import ArrayReducer
from .region_statistics import RegionStatistics
from .slicing import ArraySlicer, ColumnSelector, UpdateFilter, check_dimensions

EXCLUSIVE = (("slice", "columns"), ("reduce", "columns"), ("roi", "columns"), ("reduce", "roi"))


def build_filter(
    options: SubscriptionOptions, structure: Structure | None, node: UUID | None = None
) -> UpdateFilter | None:
    """Return the filter that `options` request for a node of `structure`; None for whole updates.

    Raises InvalidOptions if the updates of the node cannot be filtered in this way.
    """
    requested = options.filters
    for one, other in EXCLUSIVE:
        if one in requested and other in requested:
            raise InvalidOptions(f"{one} and {other} cannot be combined.")
    if options.columns is not None:
        if not isinstance(structure, TableStructure):
            raise InvalidOptions("columns applies to tables only.")
        return ColumnSelector.for_structure(structure, options.columns)
    if options.reduction is not None or options.roi is not None:
        if not isinstance(structure, ArrayStructure):
            raise InvalidOptions(f"{requested[-1]} applies to dense arrays only.")
        return _summary(options, structure, node)
    if options.items is not None:
        if not isinstance(structure, ArrayStructure | SparseStructure):
            raise InvalidOptions("slice applies to arrays and sparse arrays only.")
        return ArraySlicer.for_structure(structure, options.items)
    return None


def _summary(
    options: SubscriptionOptions, structure: ArrayStructure, node: UUID | None
) -> UpdateFilter:
    items = options.items or ()
    check_dimensions(structure, items)
    ndim = len(structure.shape) - sum(isinstance(item, int) for item in items)
    sizes = known_sizes(node, structure.shape)
    try:
        if options.reduction is not None:
            options.reduction.check(structure.dtype, ndim)
            return ArrayReducer(structure, items, options.reduction, sizes)
        assert options.roi is not None
        options.roi.check(structure.dtype, ndim)
        return RegionStatistics(structure, items, options.roi, sizes)
    except WireError as error:
        raise InvalidOptions(str(error)) from error
