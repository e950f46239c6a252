"""How many files and connections a server process may have open."""

from __future__ import annotations

import resource
from contextlib import suppress

# More than any cap on connections asks for; some systems name no limit, and then take none.
ENOUGH = 1 << 20


def allow_many_connections() -> None:
    """Raise this process's limit to what the system lets it have.

    The usual one, 1,024, is there for programs of another age, and is reached long before
    `streaming_cache.connections`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
