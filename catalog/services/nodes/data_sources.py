"""Update data sources of external files."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.errors import Conflict, Invalid, NotFound
from tiled_client.wire.data_sources import DataSource as WireDataSource
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ...events import DataSourceUpdated, TableSourceUpdated
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve_for_update, split_path
from ...models import DataSource, Node
from ..assets.links import attach_assets
from ..commits import event_transaction
from ..tables.reading import check_partition
from ..uploads import check_replaced
from .data_placement import check_external, check_files


@dataclass(frozen=True, slots=True)
class DataSourcePatch:
    """The location of new data: a region of an array, or rows of a table (one dimension)."""

    offset: tuple[int, ...]
    shape: tuple[int, ...]

    def rows(self) -> dict[str, int]:
        """Return the rows that a patch of a table covers. Raises Invalid for other dimensions."""
        if len(self.offset) != 1 or len(self.shape) != 1:
            raise Invalid(
                "The patch of a table needs patch_offset, the number of its first new row, and "
                "patch_shape, the count of new rows: one number each."
            )
        return {"offset": self.offset[0], "count": self.shape[0]}


def update_data_source(
    *,
    path: str,
    replacement: WireDataSource,
    patch: DataSourcePatch | None,
    partition: int | None = None,
    reorder: bool = False,
    expected: UUID | None = None,
) -> None:
    """Replace the data source of the node at `path`; assets are added, never removed.

    With `reorder`, existing assets take the numbers that they have in `replacement`.

    `patch` locates the new data, for a table within `partition`, if given. Raises NotFound (no
    such node, or not its data source), Conflict (internally managed data, or another node than the
    `expected` one), Invalid (another family, or an invalid patch), BadRequest (no such partition),
    and as `register_node` does.
    """
    with node_lock("/".join(split_path(path))), event_transaction() as change:
        node = resolve_for_update(path)
        check_replaced(expected, node.uuid)
        source = node.source
        if source is None or source.pk != replacement.id:
            raise NotFound(f"No data_source {replacement.id} on this node.")
        if not source.external:
            raise Conflict(
                "The data of this node are internally managed: write them instead of describing "
                "their files."
            )
        check_external(replacement, family=node.family)
        event = _source_event(node, replacement, patch, partition)
        if reorder:
            source.asset_links.all().delete()
        _replace(source, replacement)
        if event is not None:
            change.record_event(event)


def _source_event(
    node: Node, replacement: WireDataSource, patch: DataSourcePatch | None, partition: int | None
) -> DataSourceUpdated | TableSourceUpdated | None:
    """Return the event to announce; None for other families, whose streams have no such update."""
    match replacement.structure:
        case TableStructure() as structure:
            if partition is not None:
                check_partition(structure, partition)
            rows = patch.rows() if patch else None
            return TableSourceUpdated(node.ref, replacement.to_json(), partition, rows)
        case ArrayStructure() as structure:
            region = {"offset": patch.offset, "shape": patch.shape} if patch else None
            return DataSourceUpdated(node.ref, replacement.to_json(), region, structure.shape)
    return None


def _replace(source: DataSource, replacement: WireDataSource) -> None:
    source.structure = replacement.structure.to_json() if replacement.structure else None
    source.mimetype = replacement.mimetype or source.mimetype
    source.parameters = replacement.parameters
    source.properties = replacement.properties
    source.save()
    attach_assets(source, replacement.assets)
    check_files(replacement.structure, source.wire_assets())
