"""Verify the objects of an array. One listing of them is much faster than a request for each.

The content of an object is not read: the storage has a checksum of it, and a chunk has none. Only
compressed chunks are read, unless the search is quick, to see that they can be decompressed.
"""

from __future__ import annotations

from collections.abc import Iterator

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ....models import DataSource
from ....storage.chunk_codecs import chunk_elements
from ....storage.chunk_objects import Index
from ....storage.encoding import Encoding
from ....storage.errors import MissingFile
from ....storage.layout import Layout, plan
from ....storage.objects.client import ObjectStore
from ....storage.regions import chunks_of, whole
from ..damages import LOST_CHUNK, NO_DATA, UNREADABLE, ArrayDamage
from .chunk_rows import read_state
from .names import node_folder


def find_damages(
    objects: ObjectStore, source: DataSource, *, quick: bool, only: Index | None = None
) -> Iterator[ArrayDamage]:
    """Yield the chunks whose current object is lost, or of another size; or look at one chunk."""
    folder = node_folder(source.node.uuid)
    place = objects.address(folder)
    try:
        structure = source.node.structure
        assert isinstance(structure, ArrayStructure)
        shape = structure.shape + Encoding.of(structure.dtype).inner
        state = read_state(source.pk, None if only is None else [only])
        if state is None:
            yield ArrayDamage(NO_DATA, f"The array {source.node} is not in {place}", place)
            return
        layout = plan(structure, chunk=state.chunk)
    except WireError as error:
        yield ArrayDamage(UNREADABLE, str(error), place)
        return
    sizes = {} if only is not None else _sizes(objects, folder)
    current = state.names_within(shape)
    for index in chunks_of(whole(shape), state.chunk) if only is None else [only]:
        name = current(index)
        if name is None:
            continue
        key = f"{folder}/{name}"
        found = sizes.get(key) if only is None else _size(objects, key)
        if found is None:
            detail = f"The object {key} of a chunk that was written does not exist."
            yield ArrayDamage(LOST_CHUNK, detail, objects.address(key), index)
        elif detail := _damage(objects, key, layout, found, quick=quick):
            detail = f"{objects.address(key)} {detail}"
            yield ArrayDamage(UNREADABLE, detail, objects.address(key), index)


def _damage(objects: ObjectStore, key: str, layout: Layout, size: int, *, quick: bool) -> str:
    """Return what is wrong with an object of `size` bytes; an empty text if nothing is."""
    if layout.codec is None:
        expected = layout.chunk_bytes
        return f"has {size} bytes, and a chunk has {expected}" if size != expected else ""
    if quick:
        return "" if size else "is empty"
    try:
        chunk_elements(layout.codec, objects.get(key), layout.stored, layout.chunk)
    except WireError as error:
        return f"cannot be decompressed: {error}"
    return ""


def _sizes(objects: ObjectStore, folder: str) -> dict[str, int]:
    return {info.name: info.size for info in objects.list_objects(folder)}


def _size(objects: ObjectStore, key: str) -> int | None:
    try:
        return objects.head(key).size
    except MissingFile:
        return None
