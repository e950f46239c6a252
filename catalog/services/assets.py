"""Tying files to data sources."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from access.errors import Conflict
from tiled_client.wire.data_sources import Asset as WireAsset

from ..models import Asset, DataSource, DataSourceAsset
from .stores import stored_file


def attach_asset(source: DataSource, wire: WireAsset) -> None:
    """Tie an asset to a data source; one that is known by its URI is used again.

    Raises Conflict where another asset has that place already.
    """
    asset, _ = Asset.objects.get_or_create(
        data_uri=wire.data_uri, defaults={"is_directory": wire.is_directory, "size": wire.size}
    )
    place: dict[str, Any] = {"data_source": source, "parameter": wire.parameter, "num": wire.num}
    if (
        wire.num is not None
        and DataSourceAsset.objects.filter(**place).exclude(asset=asset).exists()
    ):
        raise Conflict(
            f"Another asset is {wire.parameter} number {wire.num} of this data source already."
        )
    DataSourceAsset.objects.get_or_create(asset=asset, **place)


def discard_asset(link: DataSourceAsset) -> None:
    """Forget a file of the server's own, and delete it once that is committed."""
    path = stored_file(link.data_source.node.uuid, link.asset.data_uri)
    link.asset.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
