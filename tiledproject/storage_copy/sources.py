"""The data sources whose data the site stores."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.models import DataSource

BATCH = 200


def internal_sources() -> Iterator[DataSource]:
    """Iterate over the data sources with internal data, in portions."""
    last = 0
    while True:
        found = DataSource.objects.filter(pk__gt=last).exclude(management="external")
        portion = list(
            found.exclude(structure_family="container")
            .select_related("node")
            .prefetch_related("asset_links")
            .order_by("pk")[:BATCH]
        )
        if not portion:
            return
        yield from portion
        last = portion[-1].pk
