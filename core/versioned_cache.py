"""A cache of data that a process has read from the database, keyed by a version.

One snapshot is kept: the data of one version, and values derived from them. Every change of the
data moves the version on; a request reads the current version, which is one row, and asks for the
snapshot of that version.

| the requested version | the transaction | result |
| --- | --- | --- |
| that of the snapshot | any | the snapshot; no query |
| another one | none | the data are loaded and replace the snapshot |
| another one | open | the data are loaded for this caller only: what the transaction changed, and \
its version, may be rolled back |
| None (no version exists yet) | any | the data are loaded every time |

Snapshots are immutable but for their derived values, so readers need no lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from django.db import connection

Version = TypeVar("Version", bound=Hashable)
Data = TypeVar("Data")
Derived = TypeVar("Derived")


class Snapshot(Generic[Version, Data]):
    """The data of one version, with a bounded LRU cache of values derived from them."""

    def __init__(self, version: Version | None, data: Data, max_derived: int) -> None:
        self.version = version
        self.data = data
        self._max_derived = max_derived
        self._derived: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def derive(self, key: Hashable, make: Callable[[], Derived]) -> Derived:
        """Return the value for `key`, made by `make` unless it is cached."""
        with self._lock:
            if key in self._derived:
                self._derived.move_to_end(key)
                cached: Derived = self._derived[key]
                return cached
        value = make()
        with self._lock:
            self._derived[key] = value
            if len(self._derived) > self._max_derived:
                self._derived.popitem(last=False)
        return value


class VersionedCache(Generic[Version, Data]):
    """The latest snapshot of this process. `load` may reuse the data of the one before."""

    def __init__(
        self,
        load: Callable[[Snapshot[Version, Data], Version | None], Data],
        *,
        empty: Data,
        max_derived: int,
    ) -> None:
        self._load = load
        self._max_derived = max_derived
        self._latest: Snapshot[Version, Data] = Snapshot(None, empty, max_derived)

    @property
    def latest(self) -> Snapshot[Version, Data]:
        """The last snapshot that was kept, whether or not it is current."""
        return self._latest

    def at(
        self, version: Version | None, is_complete: Callable[[Data], bool] | None = None
    ) -> Snapshot[Version, Data]:
        """Return the snapshot of `version`, reloaded if it is not complete."""
        known = self._latest
        if version is None or known.version != version:
            known = Snapshot(version, self._load(known, version), self._max_derived)
        if is_complete is not None and not is_complete(known.data):
            # Rows that were added without a change of the version, as in an open transaction.
            stale: Snapshot[Version, Data] = Snapshot(None, known.data, 0)
            known = Snapshot(version, self._load(stale, version), self._max_derived)
        if not connection.in_atomic_block:
            self._latest = known
        return known
