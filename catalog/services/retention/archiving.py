"""Archive nodes: their data move to a folder, and the nodes stay, with external files.

Arrays become Zarr folders and tables Parquet files, which any program reads; `node.json` beside
them has path, metadata and structure. Nodes of other families, and arrays of dtypes that Zarr does
not have, cannot be read as external files, and are left.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.structure_family import Management
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ...locks.fencing import write_lock
from ...locks.transaction_locks import durable_transaction
from ...models import DataSource, DataSourceAsset, Node
from ...storage import files
from ...storage.encoding import Encoding
from ..assets.links import attach_assets
from ..stores.files import StoredFile, file_store
from ..stores.site import storage

PARQUET = "application/x-parquet"
ZARR = "application/x-zarr"


def archive_node(node: Node, root: Path) -> str | None:
    """Move the data of one node below `root`; return why not as a phrase, or None.

    Raises StorageError, OSError; then the node is unchanged.
    """
    source = node.source
    if source is None or source.external:
        return None
    if (reason := _obstacle(node)) is not None:
        return reason
    target = files.node_directory(root, node.uuid)
    with write_lock(node.path):
        source = DataSource.objects.select_related("node").get(pk=source.pk)
        try:
            mimetype, assets = _export(source, target)
            (target / "node.json").write_bytes(_description(source.node))
            _link(source, mimetype, assets)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise
    storage().discard_nodes([node.uuid])
    return None


def _obstacle(node: Node) -> str | None:
    match node.structure:
        case ArrayStructure() as structure:
            if Encoding.of(structure.dtype).stored.kind != structure.dtype.kind:
                return f"Zarr has no data type for {structure.dtype}"
        case TableStructure():
            pass
        case _:
            return f"external files cannot be of family {node.structure_family}"
    return None


def _export(source: DataSource, target: Path) -> tuple[str, list[WireAsset]]:
    target.mkdir(parents=True, exist_ok=True)
    structure = source.node.structure
    if isinstance(structure, ArrayStructure):
        folder = target / "array"
        storage().arrays.export(source, structure, folder)
        return ZARR, [WireAsset(files.file_uri(folder), is_directory=True, parameter="data_uri")]
    assert isinstance(structure, TableStructure)
    links = {link.num: link for link in source.asset_links.all()}
    assets = []
    for number in range(structure.npartitions):
        path = target / f"partition-{number}.parquet"
        _write_parquet(path, structure.schema(), _batches(source, links.get(number)))
        assets.append(
            WireAsset(
                files.file_uri(path),
                is_directory=False,
                parameter="data_uris",
                num=number,
                size=path.stat().st_size,
            )
        )
    return PARQUET, assets


def _batches(source: DataSource, link: DataSourceAsset | None) -> Iterator[pa.RecordBatch]:
    if link is not None:
        (partition,) = file_store().partitions([StoredFile.of(source.node.uuid, link.asset)])
        yield from partition.batches()


def _write_parquet(path: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            writer.write_batch(batch.cast(schema))


def _link(source: DataSource, mimetype: str, assets: list[WireAsset]) -> None:
    """Let the data source name the files of the archive instead of the stored ones."""
    with durable_transaction():
        for link in list(source.asset_links.all()):
            link.asset.delete()
        source.management, source.mimetype = Management.external.value, mimetype
        source.generation += 1
        source.parameters = {}
        storage().arrays.release(source)
        source.save()
        attach_assets(source, assets)


def _description(node: Node) -> bytes:
    assert node.source is not None
    return orjson.dumps(
        {
            "path": node.path,
            "uuid": node.uuid,
            "metadata": node.metadata,
            "specs": node.specs,
            "time_created": node.time_created,
            "structure_family": node.structure_family,
            "structure": node.source.structure,
        },
        option=orjson.OPT_INDENT_2,
    )
