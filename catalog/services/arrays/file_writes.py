"""Common parts of writes to sparse, ragged and awkward arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core.errors import NotSupported
from tiled_client.wire.data_sources import Asset as WireAsset
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure

from ...locks.fencing import Fence, Superseded, write_lock
from ...lookup.nodes import resolve_family, resolve_for_update, split_path
from ...models import Asset, DataSource, DataSourceAsset, Node
from ..assets.links import attach_assets, discard_asset
from ..quotas import quotas
from ..stores.files import NewFile, file_store
from ..uploads import Upload

PARAMETER = "data_uris"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A new file, and its number among the files of the node.

    `rows` is the number of its rows if it is a partition of a table.
    """

    file: NewFile
    num: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class WritableNode:
    """A node that is being written; the fence says whether its files may be changed in place."""

    node: Node
    fence: Fence


@contextmanager
def writable_node(path: str, family: StructureFamily, upload: Upload) -> Iterator[WritableNode]:
    """Resolve the node at `path`, and hold its lock meanwhile if the write is to be stored.

    Raises NotFound, NotSupported (external files), Conflict (another node than the client means),
    QuotaExceeded (a quota).
    """
    if not upload.persist:
        node = resolve_family(path, family)
        upload.check_node(node.uuid)
        yield WritableNode(node, Fence(exclusive=False))
        return
    with write_lock("/".join(split_path(path))) as fence:
        node = resolve_family(path, family)
        upload.check_node(node.uuid)
        if node.source is None or node.source.external:
            raise NotSupported(f"This node cannot accept {family.value} data.")
        quotas().charge(node.path, node.creator, size=len(upload.body))
        yield WritableNode(node, fence)


def replace_files(
    source: DataSource,
    before: Iterable[DataSourceAsset],
    written: Iterable[WrittenFile],
    structure: Structure | None = None,
) -> None:
    """Replace the files of `before` by new ones, and store the new `structure`, if any.

    Call it within the transaction of the write: the files become current with its commit.
    Without a commit no row names them, and the cleanup removes them. Raises NotFound for a node
    that was deleted meanwhile, Superseded.
    """
    resolve_for_update(source.node.segments)
    for link in before:
        discard_asset(link)
    new = list(written)
    attach_assets(source, [as_asset(file) for file in new])
    record_files(new)
    supersede(source, structure)


def record_files(written: Iterable[WrittenFile]) -> None:
    """Store the number of rows of files that have become assets, and what their store needs."""
    for each in written:
        file = each.file
        asset = Asset.objects.filter(data_uri=file.uri)
        if each.rows is not None:
            asset.update(rows=each.rows, rows_size=file.size)
        if file.parts:
            file_store().record(asset.values_list("pk", flat=True)[0], file)


def supersede(source: DataSource, structure: Structure | None = None) -> None:
    """Increment the generation of the data of `source`, and store the `structure`, if any.

    Call it within the transaction of the write. Raises Superseded if another write did so
    first.
    """
    values: dict[str, Any] = {"generation": source.generation + 1}
    if structure is not None:
        values["structure"] = structure.to_json()
    known = DataSource.objects.filter(pk=source.pk, generation=source.generation)
    if not known.update(**values):
        raise Superseded


def as_asset(written: WrittenFile) -> WireAsset:
    """Return the asset that a written file becomes."""
    file = written.file
    return WireAsset(file.uri, False, PARAMETER, written.num, file.size)
