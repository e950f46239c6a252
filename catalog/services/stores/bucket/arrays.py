"""Dense arrays in a bucket.

A write puts objects that no reader knows, and then makes them current in one transaction with the
structure and the event (see `chunk_rows`). There is nothing to settle after a crash: objects that
no row names are left to the cleanup. A writer that has lost its lock does no harm either: its
commit fails, because it compares the generation.

A reader takes the state of the array in one query, so it reads the array before or after a write.
The objects that a write replaces stay for a while, longer than any read takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from core.mapped_files import release
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from ....locks.fencing import Fence
from ....lookup.write_targets import WriteTarget, store_structure, superseded
from ....models import Chunk, DataSource, Node
from ....storage.chunk_objects import ArrayObjects, Index, Names, touched_chunks
from ....storage.encoding import Array, Encoding
from ....storage.errors import MissingFile
from ....storage.layout import Layout, plan, plan_first_write
from ....storage.objects.cache import ObjectCache
from ....storage.objects.client import ObjectStore
from ....storage.regions import (
    Region,
    chunks_of,
    fetch_plan,
    relative,
    split_region,
    take_region,
    whole,
)
from ...commits import event_transaction
from ...idempotency import record_receipt
from ..interface import ArrayWrite
from ..ready_chunks import ready_chunks
from .chunk_rows import (
    NONE,
    ChunkState,
    format_grid,
    note_description,
    parse_grid,
    read_state,
    state_after,
    store_chunks,
)
from .descriptions import Descriptions
from .names import node_folder
from .transfers import export_objects, fill_objects, make_current

# Bytes of an array that are encoded at a time, unless one chunk is larger.
MAX_WRITE_BYTES = 32 << 20


class BucketArrays:
    """The arrays of a site whose storage is a bucket."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._cache = ObjectCache()
        self.descriptions = Descriptions(objects)

    def create(self, node: UUID, structure: ArrayStructure) -> dict[str, Any]:
        """Put the description of an array of zeros."""
        layout = plan(structure)
        self.descriptions.put(node, structure, layout)
        return {"chunk_grid": format_grid(layout.chunk), "chunks_written": NONE}

    def read(self, node: Node, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read what `items` select."""
        shape = sliced_shape(structure.shape, items)
        encoding = Encoding.of(structure.dtype)
        if not math.prod(shape) or not encoding.dtype.itemsize:
            return np.zeros(shape, encoding.dtype)
        fetch, then = fetch_plan(structure.shape, items)
        region = (*fetch, *whole(encoding.inner))
        source = node.source
        assert source is not None
        chunk = parse_grid(source.chunk_grid or "")
        known = read_state(source.pk, list(touched_chunks(region, chunk)))
        if known is None:
            raise MissingFile(f"The array {node} was deleted, or is not stored in this bucket.")
        layout = plan(structure, chunk=chunk)
        stored = self.objects_of(node.uuid, layout).read(region, known.name)
        return encoding.decode(stored[then])

    def prepare(self, target: WriteTarget, fence: Fence) -> None:
        """Do nothing: an interrupted write has changed nothing."""

    def settle(self, node: UUID) -> None:
        """Do nothing: a committed write is visible."""

    def write(self, write: ArrayWrite, fence: Fence) -> None:
        """Store, commit and announce a write."""
        write.charge()
        target, structure = write.target, write.plan.structure
        inner = Encoding.of(structure.dtype).inner
        before, after = write.before.shape + inner, structure.shape + inner
        source: Any = target.source_id
        layout = _layout_after(write)
        region = (*write.plan.region, *whole(inner))
        stored = write.array.size and write.array.dtype.itemsize
        touched = list(chunks_of(region, layout.chunk)) if stored else []
        known = read_state(source, touched)
        if known is None or known.generation != target.generation:
            raise superseded(target)
        names = known.names_within(before)
        written = self._put(write, layout, names, after) if touched else {}
        state = state_after(known, written, layout.chunk, before, after)
        noted = write.grows and self.descriptions.must_note(target.ref.uuid)
        with (
            event_transaction() as change,
            record_receipt(target.ref.uuid, write.upload.idempotency_key, structure),
        ):
            _advance(write, known, state, layout)
            store_chunks(source, target.ref.uuid, known, written, state=state, before=before)
            if noted:
                note_description(source)
            change.record_event(write.event())
        if write.grows:
            self.descriptions.grown(target.ref.uuid, structure, layout)

    def fill(
        self, node: UUID, structure: ArrayStructure, values: Callable[[Region], Array]
    ) -> Callable[[DataSource], None]:
        """Put all chunks of a new array."""
        layout = plan(structure)
        self.descriptions.put(node, structure, layout)
        objects = self.objects_of(node, layout)
        written = fill_objects(objects, structure, values)
        return lambda source: make_current(source, node, objects, written)

    def export(self, source: DataSource, structure: ArrayStructure, folder: Path) -> None:
        """Get the current objects of an array."""
        layout = plan(structure, chunk=parse_grid(source.chunk_grid or ""))
        export_objects(self.objects_of(source.node.uuid, layout), source, structure, folder)

    def release(self, source: DataSource) -> None:
        """Forget the objects."""
        Chunk.objects.filter(data_source=source).delete()
        source.chunk_grid = source.chunks_written = None

    def objects_of(self, node: UUID, layout: Layout) -> ArrayObjects:
        """Return the objects of an array."""
        return ArrayObjects(self._objects, self._cache, node_folder(node), layout)

    def _put(
        self, write: ArrayWrite, layout: Layout, names: Names, after: Sequence[int]
    ) -> dict[Index, str]:
        """Put the objects of a write; return their names by chunk."""
        inner = Encoding.of(write.plan.structure.dtype).inner
        region, array = write.plan.region, write.array
        objects = self.objects_of(write.target.ref.uuid, layout)
        ready = ready_chunks(write, layout)
        parts: Iterable[Region] = [region]
        if array.nbytes > MAX_WRITE_BYTES:
            most = MAX_WRITE_BYTES // array.dtype.itemsize
            parts = split_region(region, layout.chunk[: array.ndim], max_elements=most)
        written: dict[Index, str] = {}
        for part in parts:
            values = Encoding.of(array.dtype).encode(take_region(array, relative(part, region)))
            written |= objects.write(
                (*part, *whole(inner)),
                values,
                shape=after,
                names=names,
                each=lambda: release(write.upload.body),
                ready=ready,
            )
        return written


def _layout_after(write: ArrayWrite) -> Layout:
    """Return the layout after a write: the first elements of an empty array choose its chunks."""
    structure = write.plan.structure
    if write.grows and not math.prod(write.before.shape):
        return plan_first_write(structure)
    return plan(structure, chunk=parse_grid(write.target.chunk_grid))


def _advance(write: ArrayWrite, before: ChunkState, state: str, layout: Layout) -> None:
    """Store the structure and the state of the chunks. Raises Superseded, NotFound."""
    target = write.target
    known: Any = target.source_id
    columns: dict[str, Any] = {"chunks_written": state, "chunk_grid": format_grid(layout.chunk)}
    source = DataSource.objects.filter(pk=known)
    if write.grows:
        if not store_structure(target, write.plan.structure):
            raise superseded(target)
        # Of an append nothing else changes.
        if (state, layout.chunk) != (before.written, before.chunk):
            source.update(**columns)
        return
    columns["generation"] = target.generation + 1
    if not source.filter(generation=target.generation).update(**columns):
        raise superseded(target)
