"""Arrays that are copied into the storage directory, or out of it, as a whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tiled_client.wire.structures import ArrayStructure

from ....storage.arrays import MAX_WRITE_BYTES, ArrayStore
from ....storage.chunks.files import existing_chunks
from ....storage.encoding import Array
from ....storage.layout import read_layout, reshape, write_layout
from ....storage.regions import Region, split_region, whole


def fill_folder(
    store: ArrayStore, folder: Path, structure: ArrayStructure, values: Callable[[Region], Array]
) -> None:
    """Write a new array to a folder."""
    store.create(folder, structure)
    if 0 in structure.shape:
        return
    chunk = [max(sizes, default=1) or 1 for sizes in structure.chunks]
    most = max(MAX_WRITE_BYTES // max(structure.dtype.itemsize, 1), 1)
    region = whole(structure.shape)
    for part in split_region(region, chunk, max_elements=most) if region else [()]:
        store.write_region(folder, structure, part, values(part))


def export_folder(folder: Path, target: Path, structure: ArrayStructure) -> None:
    """Copy the chunks of an array, and describe them for other programs."""
    layout = read_layout(folder, structure)
    write_layout(target, reshape(layout, structure), structure, None)
    for _, path in existing_chunks(folder, len(layout.chunk)):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
