"""Memory-mapped files.

Pages that were read count as memory of this process until they are released, although they also
are in the page cache of the system.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import IO

BytesLike = bytes | memoryview
CHUNK_BYTES = 8 << 20


def map_file(file: IO[bytes]) -> memoryview:
    """Map the whole of an open file; the view stays valid when the file is closed."""
    size = file.seek(0, 2)
    if not size:
        return memoryview(b"")
    return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))


def is_mapped(view: BytesLike) -> bool:
    """Return whether these bytes are a mapped file."""
    return isinstance(view, memoryview) and isinstance(view.obj, mmap.mmap)


def release(view: BytesLike) -> None:
    """Release the pages of a mapped file that were read; they can be read again."""
    if isinstance(view, memoryview) and isinstance(view.obj, mmap.mmap):
        view.obj.madvise(mmap.MADV_DONTNEED)


def iter_chunks(view: BytesLike) -> Iterator[BytesLike]:
    """Yield the bytes; those of a mapped file in chunks, each released before the next."""
    if not is_mapped(view):
        yield view
        return
    for start in range(0, len(view), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]
        release(view)
