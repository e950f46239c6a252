"""Counters in memory that all worker processes of a server share.

Each worker writes only its own row and reads all rows, so that no lock is needed. The counts of a
worker that was killed do not stay: the supervisor clears its row before it starts another worker.
One more row has the counts of the other servers of the site, which `server_exchange` sets.

A counter's name is hashed to a bucket, with a secret salt, so that a client cannot choose names
that collide with another client's counter. The servers of a site have the same salt.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import secrets
from array import array
from collections.abc import MutableSequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

BUCKETS = 1 << 15


@dataclass(frozen=True, slots=True)
class SharedCounts:
    """The counters, as used by the worker of one row.

    `server` identifies the server among those of the site; it is empty without workers.
    """

    cells: MutableSequence[int]
    salt: bytes
    rows: int = 1
    row: int = 0
    server: str = ""

    @classmethod
    def local(cls) -> SharedCounts:
        """Return counters for this process alone."""
        return cls(array("i", bytes(2 * 4 * BUCKETS)), secrets.token_bytes(16))

    @classmethod
    def shared(cls, rows: int, secret: str = "") -> SharedCounts:
        """Return counters for `rows` workers, to pass to them when they are started.

        The salt is derived from the `secret` of the site, if given.
        """
        cells = multiprocessing.get_context("spawn").RawArray("i", (rows + 1) * BUCKETS)
        salt = secrets.token_bytes(16)
        if secret:
            salt = hashlib.blake2b(secret.encode(), digest_size=16, person=b"counters").digest()
        return cls(cells, salt, rows, server=secrets.token_hex(8))

    def of_row(self, row: int) -> SharedCounts:
        """Clear a row, and return the counters for its worker."""
        self._table()[row] = 0
        return replace(self, row=row)

    def add(self, name: str, amount: int = 1) -> int:
        """Add to a counter; return its total over all workers and servers."""
        bucket = self._bucket(name)
        self.cells[self.row * BUCKETS + bucket] += amount
        return self._sum(bucket)

    def total(self, name: str) -> int:
        """Return the total of a counter over all workers and servers."""
        return self._sum(self._bucket(name))

    def own_totals(self) -> list[tuple[int, int]]:
        """Return the buckets that are not 0 over the workers of this server, and their totals."""
        totals = self._table()[: self.rows].sum(axis=0)
        return [(int(bucket), int(totals[bucket])) for bucket in np.flatnonzero(totals)]

    def set_others(self, totals: list[tuple[int, int]]) -> None:
        """Set the totals of all other servers; a bucket may occur several times."""
        row = np.zeros(BUCKETS, "i4")
        for bucket, count in totals:
            row[bucket] += count
        self._table()[self.rows] = row

    def _table(self) -> Any:
        cells: Any = self.cells
        return np.frombuffer(cells, "i4").reshape(self.rows + 1, BUCKETS)

    def _sum(self, bucket: int) -> int:
        return sum(self.cells[row * BUCKETS + bucket] for row in range(self.rows + 1))

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
