"""Files of others: reading them, and hearing that there is more in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction

from access.errors import NotFound
from tiled_client.wire.data_sources import DataSource as WireDataSource
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ..config import storage_settings
from ..events import DataSourceUpdated, announce
from ..locks import node_lock
from ..models import DataSource
from ..nodes import resolve_for_update, split_path
from ..storage import external
from .assets import attach_assets
from .placement import check_external


@dataclass(frozen=True, slots=True)
class Patch:
    """The region of an external array where the new data are."""

    offset: tuple[int, ...]
    shape: tuple[int, ...]


def read_external(
    source: DataSource, structure: ArrayStructure, items: NDSlice
) -> np.ndarray[Any, Any]:
    """The part `items` of an array in files of others."""
    return external.read_array(
        source.mimetype,
        source.wire_assets(),
        source.parameters,
        structure,
        items,
        readable=storage_settings().readable,
    )


def update_data_source(*, path: str, replacement: WireDataSource, patch: Patch | None) -> None:
    """Replace the data source of the node at `path`; assets are added, never taken away.

    Raises NotFound (no node, or the data source is not that node's), and as `register_node` does.
    """
    with node_lock("/".join(split_path(path))):
        with transaction.atomic():
            node = resolve_for_update(path)
            source = node.source
            if source is None or source.pk != replacement.id or not source.external:
                raise NotFound(f"No data_source {replacement.id} on this node.")
            check_external(replacement)
            _replace(source, replacement)
        if isinstance(replacement.structure, ArrayStructure):
            announce(
                DataSourceUpdated(
                    node=node.ref,
                    data_source=replacement.to_json(),
                    patch={"offset": patch.offset, "shape": patch.shape} if patch else None,
                    shape=replacement.structure.shape,
                )
            )


def _replace(source: DataSource, replacement: WireDataSource) -> None:
    source.structure = replacement.structure.to_json() if replacement.structure else None
    source.mimetype = replacement.mimetype or source.mimetype
    source.parameters = replacement.parameters
    source.properties = replacement.properties
    source.save()
    attach_assets(source, replacement.assets)
