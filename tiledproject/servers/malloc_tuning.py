"""Tuning of malloc, so that a server process reuses memory."""

from __future__ import annotations

import ctypes
from contextlib import suppress

# Source: malloc.h of the GNU C library.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
# The maximum that the library accepts; larger blocks always come from the system.
MMAP_THRESHOLD_BYTES = 32 << 20
TRIM_THRESHOLD_BYTES = 64 << 20


def configure_malloc() -> None:
    """Let the C library retain up to `TRIM_THRESHOLD_BYTES` of freed memory for the next frame.

    By default it returns the memory to the system, and each page of the next allocation costs a
    page fault: more than half of the processor time for a frame of 4 MB. No effect with other C
    libraries.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
