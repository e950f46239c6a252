"""The objects that a snapshot of the database names.

Objects are never changed: those that are current in the snapshot are what a backup needs, and stay
while removals are held. `zarr.json`, and the plain names of chunks that were overwritten, are for
other readers of the bucket, and are put again after a restore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from tiled_client.wire.structures import ArrayStructure

from ....models import AssetPart, Chunk, DataSource
from ....storage.encoding import Encoding
from ....storage.files import uri_name
from ....storage.layout import plan
from ....storage.regions import chunks_of, whole
from .chunk_rows import ChunkState, parse_grid

BATCH = 500


@dataclass(frozen=True, slots=True)
class NodeObjects:
    """The objects of a node: their sizes in bytes by their names in its folder.

    The size of a compressed chunk is unknown (None).
    """

    node: UUID
    sizes: Mapping[str, int | None]


def snapshot_objects(database: str) -> Iterator[NodeObjects]:
    """Iterate over the objects that `database`, an alias of a connection, names."""
    sources = DataSource.objects.using(database).exclude(management="external")
    sources = sources.select_related("node").prefetch_related("asset_links")
    for source in sources.order_by("pk").iterator(chunk_size=BATCH):
        structure = source.node.structure
        if isinstance(structure, ArrayStructure):
            yield NodeObjects(source.node.uuid, _chunks(source, structure))
        else:
            yield NodeObjects(source.node.uuid, _files(source))


def _chunks(source: DataSource, structure: ArrayStructure) -> dict[str, int | None]:
    if source.chunk_grid is None:
        return {}  # of an array that was never moved into the bucket
    chunk = parse_grid(source.chunk_grid)
    rows = Chunk.objects.using(source._state.db).filter(data_source=source).exclude(index="")
    names = dict(rows.values_list("index", "name"))
    state = ChunkState(source.generation, chunk, source.chunks_written or "none", names)
    shape = structure.shape + Encoding.of(structure.dtype).inner
    layout = plan(structure, chunk=chunk)
    size = layout.chunk_bytes if layout.codec is None else None
    current = map(state.names_within(shape), chunks_of(whole(shape), chunk))
    return {name: size for name in current if name is not None}


def _files(source: DataSource) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for link in source.asset_links.all():
        parts = AssetPart.objects.using(link._state.db).filter(asset=link.asset)
        found = list(parts.values_list("name", "skip", "size"))
        if not found:
            sizes[uri_name(link.asset.data_uri)] = link.asset.size or 0
        # Parts without a name are in the database.
        sizes |= {name: skip + size for name, skip, size in found if name}
    return sizes
