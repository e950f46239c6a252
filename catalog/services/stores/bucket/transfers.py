"""Arrays that are copied into the bucket, or out of it, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from tiled_client.wire.structures import ArrayStructure

from ....models import DataSource
from ....storage.atomic_write import replace_file
from ....storage.chunk_objects import ArrayObjects, Index
from ....storage.chunks.staging_names import chunk_path
from ....storage.encoding import Array, Encoding
from ....storage.errors import MissingFile
from ....storage.layout import plan, write_layout
from ....storage.regions import Region, chunks_of, split_region, whole
from .chunk_rows import ALL, NONE, ChunkState, format_grid, read_state, store_chunks

# Bytes of an array that are requested at a time, unless one chunk is larger.
MAX_FILL_BYTES = 32 << 20


def fill_objects(
    objects: ArrayObjects, structure: ArrayStructure, values: Callable[[Region], Array]
) -> dict[Index, str]:
    """Put all chunks of a new array; return their objects."""
    written: dict[Index, str] = {}
    encoding, layout = Encoding.of(structure.dtype), objects.layout
    if 0 in layout.shape or not encoding.dtype.itemsize:
        return written
    ndim, inner = len(structure.shape), whole(encoding.inner)
    most = max(MAX_FILL_BYTES // structure.dtype.itemsize, 1)
    region = whole(structure.shape)
    parts = split_region(region, layout.chunk[:ndim], max_elements=most) if region else [()]
    for part in parts:
        encoded = encoding.encode(values(part))
        written |= objects.write((*part, *inner), encoded, shape=layout.shape, names=written.get)
    return written


def make_current(
    source: DataSource, node: UUID, objects: ArrayObjects, written: dict[Index, str]
) -> None:
    """Let these be the objects of an array that had none. Save the data source afterwards."""
    layout = objects.layout
    state = ALL if written else NONE
    source.chunk_grid, source.chunks_written = format_grid(layout.chunk), state
    known = ChunkState(source.generation, layout.chunk, NONE, {})
    store_chunks(source.pk, node, known, written, state=state, before=layout.shape)


def export_objects(
    objects: ArrayObjects, source: DataSource, structure: ArrayStructure, target: Path
) -> None:
    """Get the current objects of an array to a folder, several at a time."""
    state = read_state(source.pk)
    if state is None:
        raise MissingFile(f"The array {source.node} is not in the bucket.")
    layout = plan(structure, chunk=state.chunk)
    write_layout(target, layout, structure, None)
    current = state.names_within(layout.shape)

    def fetch(index: Index) -> None:
        name = current(index)
        if name is not None:
            content = objects.objects.get(f"{objects.folder}/{name}")
            replace_file(chunk_path(target, index), content)

    indices = chunks_of(whole(layout.shape), layout.chunk)
    for _ in objects.objects.parallel(fetch, indices, most=objects.at_once()):
        pass
