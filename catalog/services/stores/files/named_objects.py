"""Which objects of a node hold its files."""

from __future__ import annotations

from collections.abc import Iterable, Set
from uuid import UUID

from ....models import Asset, AssetPart, DataSource, ReplacedObject
from ....storage import files


def named_objects(source: DataSource, names: Set[str]) -> set[str]:
    """Return those of the objects `names` of a node that its assets name."""
    assets = Asset.objects.filter(links__data_source=source)
    found = {files.uri_name(uri) for uri in assets.values_list("data_uri", flat=True)}
    parts = AssetPart.objects.filter(asset__in=assets).exclude(name="")
    found.update(parts.values_list("name", flat=True))
    return found.intersection(names)


def record_replaced(node: UUID, names: Iterable[str]) -> None:
    """Have objects removed that no read can need any more. Call it within the transaction."""
    ReplacedObject.objects.bulk_create([ReplacedObject(node=node, name=name) for name in names])
