"""What is kept of a response, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

# What an entry takes beside its body: key, tag, media type, and the bookkeeping of a store.
OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response with status 200, without the headers that belong to one exchange."""

    etag: str
    media_type: str
    body: bytes

    @property
    def size(self) -> int:
        """Bytes that it takes, approximately."""
        return len(self.body) + OVERHEAD_BYTES


class Store(Protocol):
    """Where entries are kept by names, which contain secrets.

    Thread-safe; a failure of its medium is a miss, not an error.
    """

    blocks: bool
    """Whether its methods wait for a disk."""

    def get(self, name: bytes) -> CachedResponse | None:
        """Return an entry, which is then the most recently used one; None if there is none."""

    def put(self, name: bytes, entry: CachedResponse) -> None:
        """Keep an entry, in the place of those that have not been used for longest."""

    def clear(self) -> None:
        """Remove all entries."""

    def usage(self) -> tuple[int, int]:
        """Return the number of entries, and the bytes that they take."""
