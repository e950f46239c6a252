"""Read and write sparse arrays: the nonzero elements, block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from core.bounds import bounds
from core.errors import NotSupported
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.sparse import Coo, SparseStructure, concatenate
from tiled_client.wire.structure_family import StructureFamily

from ...events import ArrayWritten, announce
from ...models import DataSource, DataSourceAsset, Node
from ...storage import sparse
from ...storage.errors import MissingFile
from ...storage.regions import shape_of
from ..commits import event_transaction
from ..response_limits import check_response_bytes
from ..stores.files import StoredFile, file_store
from ..uploads import Upload
from .file_writes import WrittenFile, replace_files, writable_node

Block = tuple[int, ...]


def write_full(*, path: str, upload: Upload) -> None:
    """Replace all elements. Raises as `write_block` does."""
    with writable_node(path, StructureFamily.sparse, upload) as writing:
        node = writing.node
        structure = sparse_structure(node)
        elements = _parsed(upload, structure, structure.shape)
        event = _written(node, elements, None, upload)
        if upload.persist:
            source = _source(node)
            _store(source, source.asset_links.all(), _files(node, structure, elements), event)
        else:
            announce(event)


def write_block(*, path: str, block: Sequence[int], upload: Upload) -> None:
    """Replace the elements of one block; coordinates are relative to the block.

    The body is an Arrow IPC file. Raises NotFound, NotSupported (external files), WireError (a
    block or coordinates out of range), StorageError (a body that is not Arrow, or does not
    fit).
    """
    with writable_node(path, StructureFamily.sparse, upload) as writing:
        node = writing.node
        structure = sparse_structure(node)
        shape = shape_of(structure.block_region(block))
        elements = _parsed(upload, structure, shape)
        event = _written(node, elements, tuple(block), upload)
        if upload.persist:
            source, number = _source(node), _number(structure, block)
            before = source.asset_links.filter(num=number)
            _store(source, before, _file(node, structure, tuple(block), elements), event)
        else:
            announce(event)


def _parsed(upload: Upload, structure: SparseStructure, shape: Sequence[int]) -> Coo:
    most = bounds().unpacked_body
    return sparse.parse_body(upload.content, structure, shape, max_bytes=most)


def read_sparse(node: Node, items: NDSlice = ()) -> Coo:
    """Return the elements of the part `items`, with coordinates relative to that part.

    Raises WireError (out of range), BadRequest (too many), StorageError.
    """
    structure = sparse_structure(node)
    sliced_shape(structure.shape, items)  # before anything is read
    try:
        return _read(node, structure, items)
    except MissingFile:  # the file was replaced between the database query and the read
        return _read(node, structure, items)


def read_sparse_block(node: Node, block: Sequence[int], items: NDSlice = ()) -> Coo:
    """Return the elements of one block. Raises as `read_sparse` does."""
    region = sparse_structure(node).block_region(block)
    return read_sparse(node, region).select(items)


def sparse_structure(node: Node) -> SparseStructure:
    """Return the structure of a node that is a sparse array."""
    structure = node.structure
    assert isinstance(structure, SparseStructure)
    return structure


def _source(node: Node) -> DataSource:
    if node.source is None or node.source.external:
        raise NotSupported("Sparse arrays in external files cannot be read.")
    return node.source


def _store(
    source: DataSource,
    before: Iterable[DataSourceAsset],
    written: Iterator[WrittenFile],
    event: ArrayWritten,
) -> None:
    done = list(written)
    with event_transaction() as change:
        replace_files(source, before, done)
        change.record_event(event)


def _read(node: Node, structure: SparseStructure, items: NDSlice) -> Coo:
    parts, size = [], 0
    for block, elements in _blocks(node, structure, items):
        begin = [part.start for part in structure.block_region(block)]
        parts.append(elements.move_into(begin, structure.shape).select(items))
        size += parts[-1].nbytes
        check_response_bytes(size, "Use slicing ('?slice=...') to request smaller chunks.")
    return concatenate(parts, sliced_shape(structure.shape, items), structure.dtype)


def _blocks(node: Node, structure: SparseStructure, items: NDSlice) -> Iterator[tuple[Block, Coo]]:
    """Iterate over the stored blocks that intersect `items`, in order."""
    for link in _source(node).asset_links.order_by("num"):
        block = block_index(structure, link.num or 0)
        region = structure.block_region(block)
        if all(map(_touches, items, region, structure.shape)):
            content = file_store().read(StoredFile.of(node.uuid, link.asset))
            yield block, sparse.parse_block(content, shape_of(region), link.asset.data_uri)


def _touches(item: int | slice, part: slice, size: int) -> bool:
    if isinstance(item, int):
        return item % size in range(part.start, part.stop)
    wanted = range(*item.indices(size))
    ends = (wanted[0], wanted[-1]) if wanted else ()
    return bool(ends) and min(ends) < part.stop and max(ends) >= part.start


def _files(node: Node, structure: SparseStructure, elements: Coo) -> Iterator[WrittenFile]:
    """Write each block that has elements."""
    counts = tuple(map(len, structure.chunks))
    ends = [np.cumsum(sizes) for sizes in structure.chunks]
    places = tuple(
        np.searchsorted(end, row, side="right")
        for end, row in zip(ends, elements.coords, strict=True)
    )
    none = np.zeros(len(elements.data), np.int64)
    numbers = np.ravel_multi_index(places, counts) if places else none
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    for number, mine in zip(found, np.split(order, starts[1:]), strict=False):
        block = block_index(structure, int(number))
        region = structure.block_region(block)
        begin = np.array([part.start for part in region], np.int64).reshape(-1, 1)
        part = Coo(elements.coords[:, mine] - begin, elements.data[mine], shape_of(region))
        yield from _file(node, structure, block, part)


def _file(
    node: Node, structure: SparseStructure, block: Block, elements: Coo
) -> Iterator[WrittenFile]:
    if len(elements.data):
        written = file_store().write(node.uuid, *sparse.block_file(block, elements))
        yield WrittenFile(written, _number(structure, block))


def _number(structure: SparseStructure, block: Sequence[int]) -> int:
    """Return the number of a block among all, in C order."""
    counts = tuple(map(len, structure.chunks))
    return int(np.ravel_multi_index(tuple(block), counts)) if counts else 0


def block_index(structure: SparseStructure, number: int) -> Block:
    """Return the index of the block with this number."""
    counts = tuple(map(len, structure.chunks))
    return tuple(int(n) for n in np.unravel_index(number, counts)) if counts else ()


def _written(node: Node, elements: Coo, block: Block | None, upload: Upload) -> ArrayWritten:
    return ArrayWritten(
        node=node.ref,
        mimetype=upload.mimetype,
        shape=elements.shape,
        offset=None,
        block=block,
        payload=sparse.payload_of(upload.content, elements),
        persisted=upload.persist,
        token=upload.token,
    )
