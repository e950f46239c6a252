"""Limit on open files of a server process."""

from __future__ import annotations

import resource
from contextlib import suppress

# More than any cap on connections asks for; some systems name no limit, and then take none.
MAX_OPEN_FILES = 1 << 20


def raise_open_file_limit() -> None:
    """Raise this process's limit to what the system lets it have.

    The usual one, 1,024, is there for programs of another age, and is reached long before
    `streaming_cache.max_connections`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
