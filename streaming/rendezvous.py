"""Rendezvous hashing: choose one of several names for a key, evenly.

Each name has a weight for each key, and the heaviest is chosen. So a name that is added takes its
share of the keys from all others, and no other key moves; nor does one when a name is removed,
except those that were its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def choose(names: Sequence[str], key: bytes) -> str:
    """Return the name for `key`; the order of the names is irrelevant. There must be one."""
    if len(names) == 1:
        return names[0]
    return max(names, key=lambda name: (_weight(name, key), name))


def _weight(name: str, key: bytes) -> bytes:
    # A key of 64 bytes at most: names can be longer.
    salt = hashlib.blake2b(name.encode(), digest_size=32).digest()
    return hashlib.blake2b(key, digest_size=8, key=salt).digest()
