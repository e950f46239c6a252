"""Links between assets and data sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from core.errors import Conflict
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.structure_family import Management

from ...lookup.prepared_queries import raw_insert
from ...models import Asset, DataSource, DataSourceAsset
from ..stores.files import StoredFile, file_store


def attach_assets(source: DataSource, assets: Sequence[WireAsset]) -> None:
    """Link assets to a data source; assets with a known URI are reused.

    The size of an external file is updated to the value given last. Raises Conflict if another
    asset has the same parameter and number already.
    """
    ids = _get_or_create_assets(assets)
    tied = {(link.parameter, link.num, link.asset_id) for link in source.asset_links.all()}
    taken = {(parameter, num): asset for parameter, num, asset in tied}
    links = []
    for wire in assets:
        place, asset = (wire.parameter, wire.num), ids[wire.data_uri]
        if wire.num is not None and taken.setdefault(place, asset) != asset:
            raise Conflict(
                f"Another asset is {wire.parameter} number {wire.num} of this data source already."
            )
        if (*place, asset) not in tied:
            tied.add((*place, asset))
            links.append(
                DataSourceAsset(
                    data_source=source, asset_id=asset, parameter=wire.parameter, num=wire.num
                )
            )
    DataSourceAsset.objects.bulk_create(links)
    if source.external:
        _resize(assets, ids)


def _resize(assets: Sequence[WireAsset], ids: Mapping[str, int]) -> None:
    """Update sizes to the values given now, except for files that the server manages."""
    sizes = {ids[wire.data_uri]: wire.size for wire in assets if wire.size is not None}
    if not sizes:
        return
    own = DataSourceAsset.objects.exclude(data_source__management=Management.external)
    changed = []
    for row in Asset.objects.filter(pk__in=sizes).exclude(links__in=own):
        if row.size != sizes[row.pk]:
            row.size = sizes[row.pk]
            changed.append(row)
    Asset.objects.bulk_update(changed, ["size"])


def attach_own_assets(source: DataSource, assets: Sequence[WireAsset]) -> None:
    """Link files in the folder of a new node, which no other data source shares.

    The links are cached, so that they need not be queried afterwards.
    """
    links = []
    for wire in assets:
        asset = Asset(data_uri=wire.data_uri, is_directory=wire.is_directory, size=wire.size)
        raw_insert(asset)
        link = DataSourceAsset(
            data_source=source, asset=asset, parameter=wire.parameter, num=wire.num
        )
        raw_insert(link)
        links.append(link)
    known: Any = source.asset_links.all()
    known._result_cache, known._prefetch_done = links, True
    cached: Any = source
    cached._prefetched_objects_cache = {"asset_links": known}


def lock_assets(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """Lock `assets` until the transaction ends, so that no other links or deletes them."""
    return assets.select_for_update(of=("self",)).order_by("pk")


def _get_or_create_assets(assets: Sequence[WireAsset]) -> dict[str, int]:
    """Return the id of each asset by its URI; create the assets that do not exist."""
    known = _known(assets)
    missing = {asset.data_uri: asset for asset in assets if asset.data_uri not in known}
    if missing:
        # In the same order for all requests: two that register the same files would deadlock.
        rows = [
            Asset(data_uri=uri, is_directory=wire.is_directory, size=wire.size)
            for uri, wire in sorted(missing.items())
        ]
        Asset.objects.bulk_create(rows, ignore_conflicts=True)
        known = _known(assets)
    return known


def _known(assets: Sequence[WireAsset]) -> dict[str, int]:
    uris = [asset.data_uri for asset in assets]
    return {row.data_uri: row.pk for row in lock_assets(Asset.objects.filter(data_uri__in=uris))}


def discard_asset(link: DataSourceAsset) -> None:
    """Delete the record of a managed file, and the file once the deletion is committed."""
    file = StoredFile.of(link.data_source.node.uuid, link.asset)
    file_store().discard(file)
    link.asset.delete()
