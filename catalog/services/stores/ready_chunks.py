"""Chunks whose content is known before a write: those that were sent in the form in which they are
stored."""

from __future__ import annotations

from collections.abc import Mapping

from tiled_client.wire.blosc_chunks import Buffer
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.structures import ArrayStructure

from ...storage.chunk_codecs import content_of_payload
from ...storage.encoding import Encoding, little_endian
from ...storage.layout import Layout
from ...storage.regions import Region, whole
from .interface import ArrayWrite

Index = tuple[int, ...]


def ready_chunks(write: ArrayWrite, layout: Layout) -> Mapping[Index, Buffer]:
    """Return the contents of the chunks that a write brings compressed as a whole."""
    structure, found = write.plan.structure, dict[Index, Buffer]()
    if layout.codec is None or not _is_stored_alike(structure):
        return found
    inner = whole(Encoding.of(structure.dtype).inner)
    # The last one of several writes to a chunk counts.
    for part in write.parts:
        index = _whole_chunk((*part.plan.region, *inner), layout)
        content = None if index is None else _content(layout.codec, part, structure)
        if index is not None and content is not None:
            found[index] = content
        elif index in found:
            del found[index]
    return found


def _content(codec: str, write: ArrayWrite, structure: ArrayStructure) -> Buffer | None:
    upload = write.upload
    if upload.encoding is PayloadEncoding.identity:
        return None
    return content_of_payload(codec, upload.encoding, upload.body, structure.dtype.itemsize)


def _is_stored_alike(structure: ArrayStructure) -> bool:
    """Return whether elements are stored with the bytes in which they are sent."""
    dtype = structure.dtype
    return bool(Encoding.of(dtype).inner) or little_endian(dtype) == dtype


def _whole_chunk(region: Region, layout: Layout) -> Index | None:
    """Return the chunk that `region` is, edge included; None if it is another region."""
    if any(
        part.start % size or part.stop - part.start != size
        for part, size in zip(region, layout.chunk, strict=True)
    ):
        return None
    return tuple(part.start // size for part, size in zip(region, layout.chunk, strict=True))
