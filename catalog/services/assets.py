"""Tying files to data sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from access.errors import Conflict
from tiled_client.wire.data_sources import Asset as WireAsset

from ..models import Asset, DataSource, DataSourceAsset
from .stores import stored_file


def attach_assets(source: DataSource, assets: Sequence[WireAsset]) -> None:
    """Tie assets to a data source; those that are known by their URI are used again.

    Raises Conflict where another asset has the place of one already.
    """
    uris = [asset.data_uri for asset in assets]
    known = {asset.data_uri: asset for asset in locked(Asset.objects.filter(data_uri__in=uris))}
    # In one order for all, so that two who register the same files do not wait for each other.
    for wire in sorted(assets, key=lambda asset: asset.data_uri):
        _attach(source, known.get(wire.data_uri) or _created(wire), wire)


def locked(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """`assets`, which nobody else ties to a data source, or deletes, until the transaction ends."""
    return assets.select_for_update(of=("self",)).order_by("pk")


def _created(wire: WireAsset) -> Asset:
    asset, _ = Asset.objects.select_for_update().get_or_create(
        data_uri=wire.data_uri, defaults={"is_directory": wire.is_directory, "size": wire.size}
    )
    return asset


def _attach(source: DataSource, asset: Asset, wire: WireAsset) -> None:
    place: dict[str, Any] = {"data_source": source, "parameter": wire.parameter, "num": wire.num}
    taken = DataSourceAsset.objects.filter(**place).exclude(asset=asset)
    if wire.num is not None and taken.exists():
        raise Conflict(
            f"Another asset is {wire.parameter} number {wire.num} of this data source already."
        )
    DataSourceAsset.objects.get_or_create(asset=asset, **place)


def discard_asset(link: DataSourceAsset) -> None:
    """Forget a file of the server's own, and delete it once that is committed."""
    path = stored_file(link.data_source.node.uuid, link.asset.data_uri)
    link.asset.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
