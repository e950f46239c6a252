"""Limit on open files of a server process."""

from __future__ import annotations

import resource
from contextlib import suppress

# More than any limit on connections requires; some systems report no limit, but reject that value.
MAX_OPEN_FILES = 1 << 20


def raise_open_file_limit() -> None:
    """Raise the soft limit of this process to the hard limit.

    The usual soft limit, 1,024, is reached long before `streaming_cache.max_connections`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
