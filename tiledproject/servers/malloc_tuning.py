"""Tuning of malloc, so that a server process reuses memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# Source: malloc.h of the GNU C library.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
# The library's own upper limit: what is larger is always taken from the system.
MMAP_THRESHOLD_BYTES = 32 << 20
TRIM_THRESHOLD_BYTES = 64 << 20


def configure_malloc() -> None:
    """Have the C library keep what one large frame lay in, up to `KEPT_BYTES`, for the next.

    It would give the memory back and take it anew, and each page then costs a fault: more than
    half of all that is done with a frame of 4 MB. Without effect where the library is another.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
