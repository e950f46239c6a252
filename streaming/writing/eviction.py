"""Making room in a Redis whose memory is full: the oldest updates of all streams go first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

import redis

from ..config import StreamingCacheSettings
from ..redis.keys import StreamKeys
from .updates import NeverFits

# Of all memory. Less, and the next update finds it full again; more, and history goes needlessly.
SHARE = 16
# Whoever has sent Redis something large is given a buffer for another as large, at once.
COPIES = 2
# History goes in slices of time, oldest first.
SLICES = 16
ENTRIES = 256
SCAN_COUNT = 1000
SETTLE_LOOKS = 20
SETTLE_SECONDS = 0.002
# After there was nothing to give up, nobody looks again for so many seconds.
PAUSE = 1.0


class Kept(NamedTuple):
    """A stream that has something to give up, and when the oldest of it was made."""

    keys: StreamKeys
    oldest: int


class Room:
    """Sheds the oldest updates of one site when Redis takes nothing more."""

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._settings = settings
        self._shed = client.register_script((files(__package__) / "shed.lua").read_bytes())
        self._lock = threading.Lock()
        self._barren_until = 0.0

    def make(self, size: int) -> bool:
        """Free enough for `size` bytes and what comes next, unless another just did.

        False if there is nothing to give up. Raises NeverFits, RedisError.
        """
        with self._lock:
            if time.monotonic() < self._barren_until:
                return False
            wanted = self._wanted(size)
            if wanted <= 0:
                return True
            if not self._free(wanted):
                self._barren_until = time.monotonic() + PAUSE
                return False
            self._settle()
            return True

    def _memory(self) -> tuple[int, int]:
        memory = self._client.info("memory")
        return int(memory["maxmemory"]), int(memory["used_memory"])

    def _settle(self) -> None:
        """Redis frees in the background what it was told to delete."""
        for _ in range(SETTLE_LOOKS):
            most, used = self._memory()
            if used < most:
                return
            time.sleep(SETTLE_SECONDS)

    def _wanted(self, size: int) -> int:
        most, used = self._memory()
        if 0 < most < COPIES * size + most // SHARE:
            raise NeverFits(
                f"The update has {size} bytes, and the streaming cache takes none of half its "
                f"memory ({most} bytes), or more. Write it in smaller parts."
            )
        return used + COPIES * size + most // SHARE - most

    def _free(self, wanted: int) -> bool:
        streams = sorted(self._streams(), key=lambda kept: kept.oldest)
        if not streams:
            return False
        seconds, micros = self._client.time()
        oldest, now = streams[0].oldest, seconds * 1000 + micros // 1000
        freed = 0
        for part in range(1, SLICES + 1):
            cutoff = oldest + (now - oldest) * part // SLICES
            for kept in streams:
                if kept.oldest > cutoff:
                    break
                freed += self._shed_one(kept.keys, cutoff, wanted - freed)
                if freed >= wanted:
                    return True
        return freed > 0

    def _shed_one(self, keys: StreamKeys, cutoff: int, wanted: int) -> int:
        freed, more = 0, True
        while more and freed < wanted:
            size, more = self._shed(
                [keys.meta, keys.log, keys.payload], [cutoff, ENTRIES, wanted - freed]
            )
            freed += size
        return freed

    def _streams(self) -> Iterator[Kept]:
        names: list[StreamKeys] = []
        for name in self._client.scan_iter(
            StreamKeys.pattern(self._settings.prefix), count=SCAN_COUNT
        ):
            names.append(StreamKeys.of_meta(name.decode()))
            if len(names) == SCAN_COUNT:
                yield from self._kept(names)
                names = []
        yield from self._kept(names)

    def _kept(self, names: list[StreamKeys]) -> Iterator[Kept]:
        pipe = self._client.pipeline(transaction=False)
        for keys in names:
            pipe.hmget(keys.meta, "oldest", "bytes")
        for keys, (oldest, size) in zip(names, pipe.execute(), strict=True):
            if oldest and int(size or 0):
                yield Kept(keys, int(oldest))
