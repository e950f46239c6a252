"""Removing entries of the outbox that are in their streams, a little later and many at a time.

A write that has announced what it did is answered at once. Its entry does no harm until it is
removed: the next write finds out from the stream that it is there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from django.db import DatabaseError, connection

from . import outbox

logger = logging.getLogger(__name__)

# In seconds. What was announced meanwhile goes with it.
LINGER = 0.5


class Forgetter(threading.Thread):
    """Removes the entries that this process has put into their streams, in their order."""

    def __init__(self) -> None:
        super().__init__(name="tiled-outbox-forgetting", daemon=True)
        self._lock = threading.Lock()
        self._ids: dict[int, None] = {}
        self._news = threading.Event()

    def add(self, ids: Sequence[int]) -> None:
        """Remove these soon."""
        with self._lock:
            self._ids.update(dict.fromkeys(ids))
        self._news.set()

    def __contains__(self, pk: int) -> bool:
        return pk in self._ids

    def run(self) -> None:
        """Remove what there is, again and again."""
        while True:
            self._news.wait()
            time.sleep(LINGER)
            self._news.clear()
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            ids = list(self._ids)
        try:
            outbox.forget(sorted(ids))
        except DatabaseError as error:
            # They are known to be in their streams for as long as this process lives.
            logger.warning("Entries of the outbox cannot be removed yet: %s", error)
            self._news.set()
        else:
            with self._lock:
                for pk in ids:
                    del self._ids[pk]
        finally:
            connection.close_if_unusable_or_obsolete()


_forgetter: Forgetter | None = None


def start() -> None:
    """Have this process remove entries in the background from now on."""
    global _forgetter
    if _forgetter is None:
        _forgetter = Forgetter()
        _forgetter.start()


def forget(ids: Sequence[int]) -> None:
    """Remove entries that are in their streams: soon, or at once where no thread does it."""
    if _forgetter is not None and _forgetter.is_alive():
        _forgetter.add(ids)
    else:
        outbox.forget(ids)


def is_forgotten(pk: int) -> bool:
    """Return whether this process knows that the entry is in its stream."""
    return _forgetter is not None and pk in _forgetter
