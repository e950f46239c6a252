"""Counters in memory that all worker processes of a server share.

Each worker writes only its own row and reads all rows, so that no lock is needed. The counts of a
worker that was killed do not stay: the supervisor clears its row before it starts another worker.
A counter's name is hashed to a bucket, with a secret salt, so that a client cannot choose names
that collide with another client's counter.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import secrets
from array import array
from collections.abc import MutableSequence
from dataclasses import dataclass, replace

BUCKETS = 1 << 15


@dataclass(frozen=True, slots=True)
class SharedCounts:
    """The counters, as used by the worker of one row."""

    cells: MutableSequence[int]
    salt: bytes
    rows: int = 1
    row: int = 0

    @classmethod
    def local(cls) -> SharedCounts:
        """Return counters for this process alone."""
        return cls(array("i", bytes(4 * BUCKETS)), secrets.token_bytes(16))

    @classmethod
    def shared(cls, rows: int) -> SharedCounts:
        """Return counters for `rows` workers, to pass to them when they are started."""
        cells = multiprocessing.get_context("spawn").RawArray("i", rows * BUCKETS)
        return cls(cells, secrets.token_bytes(16), rows)

    def of_row(self, row: int) -> SharedCounts:
        """Clear a row, and return the counters for its worker."""
        for bucket in range(BUCKETS):
            if self.cells[row * BUCKETS + bucket]:
                self.cells[row * BUCKETS + bucket] = 0
        return replace(self, row=row)

    def add(self, name: str, amount: int = 1) -> int:
        """Add to a counter; return its total over all workers."""
        bucket = self._bucket(name)
        self.cells[self.row * BUCKETS + bucket] += amount
        return self._sum(bucket)

    def total(self, name: str) -> int:
        """Return the total of a counter over all workers."""
        return self._sum(self._bucket(name))

    def _sum(self, bucket: int) -> int:
        return sum(self.cells[row * BUCKETS + bucket] for row in range(self.rows))

    def _bucket(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode(), key=self.salt, digest_size=8).digest()
        return int.from_bytes(digest) % BUCKETS


_installed: SharedCounts | None = None


def install(counts: SharedCounts) -> None:
    """Use `counts` in this process; call this before anything is counted."""
    global _installed
    _installed = counts


def current() -> SharedCounts:
    """Return the counters of this server; without other workers, those of this process."""
    global _installed
    if _installed is None:
        _installed = SharedCounts.local()
    return _installed
