"""The files that hold the rows of a ragged array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

import pyarrow as pa

from tiled_client.wire.ragged import RaggedStructure

from ...locks.fencing import Superseded
from ...models import Asset, DataSource, DataSourceAsset, Node
from ...storage import ragged
from ..stores.files import Addition, StoredFile, file_store
from .file_writes import WritableNode, WrittenFile, replace_files, supersede


@dataclass(frozen=True, slots=True)
class Extent:
    """The rows of one file; without a `link`, rows that were never written."""

    rows: range
    link: DataSourceAsset | None


def read_rows(node: Node, structure: RaggedStructure, wanted: range) -> pa.Array:
    """Return rows in their order. Raises StorageError."""
    parts = [
        _read(node, structure, extent, _overlap(extent.rows, wanted))
        for extent in _extents(node, structure)
        if _overlap(extent.rows, wanted)
    ]
    return pa.concat_arrays(parts) if parts else ragged.unwritten_rows(0, structure)


@dataclass(frozen=True, slots=True)
class PendingRows:
    """Rows written to files that become current when `make_current` is committed.

    `settle` tidies up when the write is done.
    """

    structure: RaggedStructure
    make_current: Callable[[], None]
    settle: Callable[[], None] = lambda: None


def append_rows(writing: WritableNode, structure: RaggedStructure, rows: pa.Array) -> PendingRows:
    """Append rows to the last file or, without an exclusive fence, to a copy of it."""
    node = writing.node
    source, last = _source(node), _extents(node, structure)[-1].link
    before = structure.size if last else 0
    after = structure.with_rows(
        structure.rows + len(rows), before + ragged.elements(rows, structure)
    )
    if last is None:
        unwritten = ragged.unwritten_rows(structure.rows, structure)
        new = _write(node, structure, 0, pa.concat_arrays([unwritten, rows]))
        return PendingRows(after, lambda: replace_files(source, (), [new], after))
    number, table = last.num or 0, ragged.as_table(rows, structure)
    file, exclusive = StoredFile.of(node.uuid, last.asset), writing.fence.exclusive
    added = file_store().append(file, number, table, exclusive=exclusive)
    if added.copy is not None:
        renewed = WrittenFile(added.copy, number)
        return PendingRows(after, lambda: replace_files(source, [last], [renewed], after))
    return PendingRows(
        after,
        lambda: _extend(source, file, added, after),
        lambda: file_store().settle(file, added),
    )


def _extend(source: DataSource, file: StoredFile, added: Addition, after: RaggedStructure) -> None:
    """Make the added rows of a file valid."""
    if not Asset.objects.filter(pk=file.asset_id, size=file.size).update(size=added.size):
        raise Superseded
    file_store().extend(file, added)
    supersede(source, after)


def replace_rows(
    node: Node, structure: RaggedStructure, place: range, rows: pa.Array, *, aligned: bool
) -> PendingRows:
    """Replace the rows in `place`, which may extend beyond the end, by `rows`.

    The other rows in the affected files are rewritten; if `place` is `aligned` with chunks, to
    separate files, so that the next chunk need not be rewritten.
    """
    extents = _extents(node, structure)
    touched = [extent for extent in extents if _overlap(extent.rows, place)]
    if not touched:
        return PendingRows(structure, lambda: None)
    begin, end = touched[0].rows.start, max(touched[-1].rows.stop, place.stop)
    head = read_rows(node, structure, range(begin, place.start))
    tail = read_rows(node, structure, range(place.stop, end))
    removed = read_rows(node, structure, range(place.start, place.stop))
    written = structure.size if extents[0].link else 0
    size = written - ragged.elements(removed, structure) + ragged.elements(rows, structure)
    after = structure.with_rows(max(structure.rows, place.stop), size)
    pieces = [(begin, head), (place.start, rows), (place.stop, tail)]
    if not aligned:
        pieces = [(begin, pa.concat_arrays([head, rows, tail]))]
    files = [_write(node, structure, *piece) for piece in pieces if len(piece[1])]
    before = [extent.link for extent in touched if extent.link is not None]
    return PendingRows(after, lambda: replace_files(_source(node), before, files, after))


def _extents(node: Node, structure: RaggedStructure) -> list[Extent]:
    links = list(_source(node).asset_links.order_by("num"))
    if not links:
        return [Extent(range(structure.rows), None)]
    starts = list(accumulate(structure.row_chunks, initial=0))
    begins = [starts[link.num or 0] for link in links]
    ends = [*begins[1:], structure.rows]
    return [Extent(range(*rows), link) for *rows, link in zip(begins, ends, links, strict=True)]


def _read(node: Node, structure: RaggedStructure, extent: Extent, wanted: range) -> pa.Array:
    if extent.link is None:
        return ragged.unwritten_rows(len(wanted), structure)
    (partition,) = file_store().partitions([StoredFile.of(node.uuid, extent.link.asset)])
    batches = _batches_of(
        partition.batches(),
        range(wanted.start - extent.rows.start, wanted.stop - extent.rows.start),
    )
    return pa.concat_arrays([batch.column(0) for batch in batches])


def _batches_of(batches: Iterator[pa.RecordBatch], wanted: range) -> Iterator[pa.RecordBatch]:
    """Yield the part of the `wanted` rows that is in each batch."""
    start = 0
    for batch in batches:
        mine = _overlap(range(start, start + batch.num_rows), wanted)
        if mine:
            yield batch.slice(mine.start - start, len(mine))
        start += batch.num_rows
        if start >= wanted.stop:
            return


def _write(node: Node, structure: RaggedStructure, start: int, rows: pa.Array) -> WrittenFile:
    """Write rows that begin with row `start`, the first one of a chunk."""
    number = list(accumulate(structure.row_chunks, initial=0)).index(start)
    table = ragged.as_table(rows, structure)
    return WrittenFile(file_store().write_partition(node.uuid, number, table), number)


def _overlap(first: range, second: range) -> range:
    return range(max(first.start, second.start), min(first.stop, second.stop))


def _source(node: Node) -> DataSource:
    assert node.source is not None
    return node.source
