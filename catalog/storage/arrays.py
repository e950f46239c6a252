"""Arrays on disk: one zarr v3 folder per array, indexed as in numpy.

The shape is that of the catalog's structure. Bytes beyond it, left by an interrupted write, are
ignored, and cleared before the array grows over them. Elements that were never written read as
zeros; a chunk that was written and whose file is lost raises MissingFile (see `chunks.written`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorstore as ts

from tiled_client.wire.blosc_chunks import Buffer
from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structures import ArrayStructure

from .chunks import files as chunk_files
from .chunks import staging, staging_names, written
from .chunks.files import NOTHING
from .chunks.staging import StagedChunk
from .chunks.staging_names import Index
from .encoding import Array, Encoding
from .errors import Unreadable
from .handle_cache import HandleCache
from .layout import (
    Layout,
    Written,
    plan,
    plan_first_write,
    read_written,
    reshape,
    shape_on_disk,
    update_shape,
    write_layout,
)
from .regions import (
    Region,
    check_region,
    count_chunks,
    fetch_plan,
    outside_parts,
    overlap,
    relative,
    split_region,
    take_region,
    whole,
)

MIMETYPE = "application/x-zarr"
# Up to this number of chunks, accessing the files directly is faster than tensorstore's threads.
MAX_DIRECT_CHUNKS = 8
# Maximum bytes per write, unless one chunk is larger.
MAX_WRITE_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _RegionWrite:
    """A write to an array that is open, of which readers know the shape `visible`."""

    directory: Path
    structure: ArrayStructure
    layout: Layout
    handle: ts.TensorStore
    visible: tuple[int, ...]
    ready: Mapping[Index, Buffer]

    @property
    def inner(self) -> tuple[int, ...]:
        return Encoding.of(self.structure.dtype).inner


class ArrayStore:
    """Array folders, shared by all threads of a process.

    With `file_io_sync`, each write has reached the disk on return. Open handles are cached by
    folder name: a recreated node needs a new folder.
    """

    def __init__(self, *, file_io_sync: bool = False, handles: int = 256) -> None:
        self._sync = file_io_sync
        self._handles = HandleCache(file_io_sync=file_io_sync, limit=handles)

    def create(self, directory: Path, structure: ArrayStructure) -> None:
        """Create the folder of an array of zeros."""
        write_layout(directory, plan(structure), structure, Written.NONE, sync=self._sync)

    def write(self, directory: Path, structure: ArrayStructure, array: Array) -> None:
        """Write the whole array. Raises WireError for another shape than the structure's."""
        self.write_region(directory, structure, whole(structure.shape), array)

    def write_region(
        self,
        directory: Path,
        structure: ArrayStructure,
        region: Region,
        array: Array,
        *,
        visible_shape: Sequence[int] | None = None,
        stage: str = "",
        each: Callable[[], None] | None = None,
        ready: Callable[[Layout], Mapping[Index, Buffer]] | None = None,
    ) -> list[StagedChunk]:
        """Write `array` over `region` (start and stop of each dimension).

        `visible_shape` is the shape that readers know while the array grows to `structure`: parts
        beyond it are written in place, which is several times faster. With the name of a `stage`,
        the parts that readers can see are staged until `apply` is called with the returned chunks.
        A large array is written in parts along its chunks; `each` is called after each part.
        `ready` returns the contents of chunks for which they are known.

        Raises WireError if the region is not within the shape or differs from the shape of
        `array`; MissingFile if it would keep a part of a chunk that is lost.
        """
        check_region(structure.shape, region, array)
        encoding = Encoding.of(structure.dtype)
        chunks: list[StagedChunk] = []
        if not array.size or not encoding.dtype.itemsize:
            return chunks
        layout, handle = self._handles.get(directory, structure)
        visible = structure.shape if visible_shape is None else tuple(visible_shape)
        contents = NOTHING if ready is None else ready(layout)
        write = _RegionWrite(directory, structure, layout, handle, visible, contents)
        for part in self._split(layout, region, array):
            values = encoding.encode(take_region(array, relative(part, region)))
            if stage:
                chunks += self._write_staged(write, part, values, stage)
            else:
                self._write_part(write, part, values)
            if each is not None:
                each()
        if layout.recorded:
            self._record_written(directory, structure, layout, region, visible, staged=bool(stage))
        return chunks

    def _record_written(
        self,
        directory: Path,
        structure: ArrayStructure,
        layout: Layout,
        region: Region,
        visible: tuple[int, ...],
        *,
        staged: bool,
    ) -> None:
        """Record the chunks of `region` as written, except the staged ones."""
        inner = Encoding.of(structure.dtype).inner
        for part in outside_parts(region, visible) if staged else [region]:
            written.after_write(
                directory,
                layout,
                structure.shape + inner,
                (*part, *whole(inner)),
                sync=self._sync,
            )

    def list_stages(self, directory: Path) -> list[str]:
        """Return the stages of a folder that were neither applied nor discarded."""
        return sorted({each.name for each in staging_names.find_stages(directory)})

    def apply(
        self,
        directory: Path,
        structure: ArrayStructure,
        stage: str,
        chunks: Sequence[StagedChunk] | None = None,
        *,
        alone: bool = True,
    ) -> None:
        """Publish the chunks of `stage` to readers. Idempotent.

        `chunks` is the result of `write_region`; without it, the folder is searched. `alone` says
        that no other process can write to the array meanwhile.
        """
        layout, _ = self._handles.get(directory, structure)
        if chunks is None:
            chunks = staging.find_staged(directory, stage, len(layout.chunk))
        shape = structure.shape + Encoding.of(structure.dtype).inner
        staging.apply(directory, stage, layout, shape, chunks, sync=self._sync, alone=alone)

    def discard(self, directory: Path, stage: str) -> None:
        """Remove the chunks of `stage` that were not applied."""
        staging.discard(directory, stage)

    def read(self, directory: Path, structure: ArrayStructure, items: NDSlice = ()) -> Array:
        """Read what `items` select, as in numpy: the declared dtype, C-contiguous, read-only.

        Raises WireError for items out of bounds, MissingFile, Unreadable.
        """
        shape = sliced_shape(structure.shape, items)
        encoding = Encoding.of(structure.dtype)
        if not math.prod(shape) or not encoding.dtype.itemsize:
            return np.zeros(shape, encoding.dtype)
        fetch, then = fetch_plan(structure.shape, items)
        stored = self._fetch(directory, structure, (*fetch, *whole(encoding.inner)))
        return encoding.decode(stored[then])

    def extend(
        self,
        directory: Path,
        old: ArrayStructure,
        new: ArrayStructure,
        region: Region | None = None,
    ) -> None:
        """Prepare the folder for the larger shape of `new`: elements beyond `old` become zeros.

        `region` will be written next. Call it before writing there, and again if that write was
        interrupted.
        """
        if any(after < before for before, after in zip(old.shape, new.shape, strict=True)):
            raise WireError(
                f"An array of shape {list(old.shape)} cannot grow to {list(new.shape)}."
            )
        layout, _ = self._handles.get(directory, old)
        # zarr.json grows first and the catalog last: if they differ, a growth was interrupted.
        before = old.shape + Encoding.of(old.dtype).inner
        if shape_on_disk(directory, old) != before:
            chunk_files.clear_beyond(directory, layout, before, self._sync)
        if not math.prod(old.shape):
            write_layout(directory, plan_first_write(new), new, Written.NONE, sync=self._sync)
            return
        grown = reshape(layout, new)
        if layout.recorded:
            inner = whole(grown.shape[len(new.shape) :])
            stored = None if region is None else (*region, *inner)
            written.before_growth(directory, layout, before, grown.shape, stored, sync=self._sync)
        if self._sync or not update_shape(directory, grown):
            state = read_written(directory, len(grown.shape))
            write_layout(directory, grown, new, state, sync=self._sync)
        else:
            self._handles.update_shape(directory, grown)

    def branch(self, directory: Path, copy: Path, structure: ArrayStructure) -> None:
        """Make `copy` an independent copy of the array of `structure` in `directory`.

        Chunk files are hard-linked, which is safe because they are only ever replaced, not
        modified. Chunks that reach beyond the shape may be modified, and are copied.
        """
        layout, _ = self._handles.get(directory, structure)
        shape = structure.shape + Encoding.of(structure.dtype).inner
        state = written.copy_marks(directory, copy, layout, shape)
        chunk_files.link_inside(directory, copy, layout, shape, self._sync)
        write_layout(copy, reshape(layout, structure), structure, state, sync=self._sync)

    def _split(self, layout: Layout, region: Region, array: Array) -> Iterator[Region]:
        if array.nbytes <= MAX_WRITE_BYTES:
            return iter([region])
        chunk = layout.chunk[: array.ndim]
        return split_region(region, chunk, max_elements=MAX_WRITE_BYTES // array.dtype.itemsize)

    def _write_staged(
        self, write: _RegionWrite, region: Region, values: Array, stage: str
    ) -> list[StagedChunk]:
        visible = write.visible
        # Invisible parts first: one chunk may hold visible and invisible elements.
        for part in outside_parts(region, visible):
            unseen = take_region(values, relative(part, region))
            self._write_part(write, part, unseen)
        if any(part.start >= size for part, size in zip(region, visible, strict=True)):
            return []
        seen = overlap(region, whole(visible))
        values = take_region(values, relative(seen, region))
        return staging.stage_chunks(
            write.directory,
            stage,
            write.layout,
            (*seen, *whole(write.inner)),
            values,
            shape=write.structure.shape + write.inner,
            sync=self._sync,
            ready=write.ready,
        )

    def _write_part(self, write: _RegionWrite, region: Region, values: Array) -> None:
        directory, layout = write.directory, write.layout
        stored_region = (*region, *whole(write.inner))
        shape = write.structure.shape + write.inner
        if count_chunks(stored_region, layout.chunk) > MAX_DIRECT_CHUNKS and not write.ready:
            for index in chunk_files.partial_chunks(layout, stored_region, shape):
                chunk_files.map_written_chunk(
                    directory, layout, index
                )  # raises MissingFile if it is lost
            write.handle[stored_region].write(values).result()
        else:
            chunk_files.write_chunks(
                directory,
                layout,
                stored_region,
                values,
                shape=shape,
                visible_shape=write.visible + write.inner,
                sync=self._sync,
                ready=write.ready,
            )

    def _fetch(self, directory: Path, structure: ArrayStructure, region: Region) -> Array:
        layout, handle = self._handles.get(directory, structure)
        dense = all(part.step in (None, 1) for part in region)
        try:
            if dense and count_chunks(region, layout.chunk) <= MAX_DIRECT_CHUNKS:
                return chunk_files.read_chunks(directory, layout, region)
            if layout.recorded and not written.is_complete(directory, layout, region):
                handle = self._handles.open_filling(directory, structure, layout)
            return self._read_many(directory, structure, layout, handle, region)
        except (ValueError, OSError) as error:
            raise Unreadable(f"The array in {directory} cannot be read: {error}") from error

    def _read_many(
        self,
        directory: Path,
        structure: ArrayStructure,
        layout: Layout,
        handle: ts.TensorStore,
        region: Region,
    ) -> Array:
        try:
            return np.asarray(handle[region].read().result())
        except (ValueError, OSError):
            if not layout.recorded:
                raise
            written.check_files(directory, layout, region)
        # A chunk that is being written for the first time may be marked before its file exists.
        handle = self._handles.open_filling(directory, structure, layout)
        return np.asarray(handle[region].read().result())
