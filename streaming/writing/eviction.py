"""Free memory in a Redis that is full: evict the oldest updates of all streams of the site."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from importlib.resources import files
from typing import NamedTuple

import redis

from ..config import StreamingCacheSettings
from ..metrics import EVICTED_BYTES
from ..redis.keys import StreamKeys
from .updates import UpdateTooLarge

# The part of all memory to free besides what the update needs: 1/16. With less, the next update
# would find Redis full again; with more, history would be lost without need.
SPARE_SHARE = 16
# Redis allocates a buffer of the same size again for a client that has sent something large.
COPIES = 2
# History is evicted in slices of time, the oldest first.
TIME_SLICES = 16
MAX_ENTRIES_PER_CALL = 256
SCAN_COUNT = 1000
MAX_MEMORY_POLLS = 20
MEMORY_POLL_SECONDS = 0.002
# After nothing could be evicted, how long not to scan again.
RETRY_SECONDS = 1.0


class StreamUsage(NamedTuple):
    """A stream with updates to evict, and when the oldest of them was made."""

    keys: StreamKeys
    oldest: int


class Evictor:
    """Evicts the oldest updates of one site when Redis accepts nothing more."""

    def __init__(self, client: redis.Redis, settings: StreamingCacheSettings) -> None:
        self._client = client
        self._settings = settings
        self._shed = client.register_script((files(__package__) / "shed.lua").read_bytes())
        self._lock = threading.Lock()
        self._retry_after = 0.0

    def free(self, size: int) -> bool:
        """Free memory for `size` bytes and some more, unless another request just did.

        Return False if there is nothing to evict. Raises UpdateTooLarge, RedisError.
        """
        with self._lock:
            if time.monotonic() < self._retry_after:
                return False
            needed = self._needed(size)
            if needed <= 0:
                return True
            if not self._evict(needed):
                self._retry_after = time.monotonic() + RETRY_SECONDS
                return False
            self._wait_until_freed()
            return True

    def _memory(self) -> tuple[int, int]:
        memory = self._client.info("memory")
        return int(memory["maxmemory"]), int(memory["used_memory"])

    def _wait_until_freed(self) -> None:
        # Redis frees memory in the background: a retry before that would evict more for nothing.
        for _ in range(MAX_MEMORY_POLLS):
            limit, used = self._memory()
            if used < limit:
                return
            time.sleep(MEMORY_POLL_SECONDS)

    def _needed(self, size: int) -> int:
        limit, used = self._memory()
        if 0 < limit < COPIES * size + limit // SPARE_SHARE:
            raise UpdateTooLarge(
                f"The update has {size} bytes. The streaming cache accepts less than half of its "
                f"memory ({limit} bytes) in one update. Write it in smaller parts."
            )
        return used + COPIES * size + limit // SPARE_SHARE - limit

    def _evict(self, needed: int) -> bool:
        streams = sorted(self._streams(), key=lambda stream: stream.oldest)
        if not streams:
            return False
        seconds, micros = self._client.time()
        oldest, now = streams[0].oldest, seconds * 1000 + micros // 1000
        freed = 0
        for part in range(1, TIME_SLICES + 1):
            cutoff = oldest + (now - oldest) * part // TIME_SLICES
            for stream in streams:
                if stream.oldest > cutoff:
                    break
                freed += self._evict_from(stream.keys, cutoff, needed - freed)
                if freed >= needed:
                    return True
        return freed > 0

    def _evict_from(self, keys: StreamKeys, cutoff: int, needed: int) -> int:
        # In several short calls: Redis serves nothing else while a script runs.
        freed, more = 0, True
        while more and freed < needed:
            size, more = self._shed(
                [keys.meta, keys.log, keys.payload], [cutoff, MAX_ENTRIES_PER_CALL, needed - freed]
            )
            freed += size
        EVICTED_BYTES.add(freed)
        return freed

    def _streams(self) -> Iterator[StreamUsage]:
        names: list[StreamKeys] = []
        for name in self._client.scan_iter(
            StreamKeys.pattern(self._settings.prefix), count=SCAN_COUNT
        ):
            names.append(StreamKeys.of_meta(name.decode()))
            if len(names) == SCAN_COUNT:
                yield from self._usage(names)
                names = []
        yield from self._usage(names)

    def _usage(self, names: list[StreamKeys]) -> Iterator[StreamUsage]:
        pipe = self._client.pipeline(transaction=False)
        for keys in names:
            pipe.hmget(keys.meta, "oldest", "bytes")
        for keys, (oldest, size) in zip(names, pipe.execute(), strict=True):
            if oldest and int(size or 0):
                yield StreamUsage(keys, int(oldest))
