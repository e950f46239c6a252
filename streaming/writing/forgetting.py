"""Removing entries of the outbox that are in their streams, a little later and many at a time.

A write that has announced what it did is answered at once. Its entry does no harm until it is
removed: the next write finds out from the stream that it is there.
"""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

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
        self._older: dict[UUID, int] = {}
        self._news = threading.Event()

    def add(self, node: UUID, pk: int, *, older: bool) -> None:
        """Remove an entry soon, and with it those of its node that are `older`."""
        with self._lock:
            self._ids[pk] = None
            if older:
                self._older[node] = pk
        if not self._news.is_set():
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
            ids, older = sorted(self._ids), self._older
            self._older = {}
        try:
            # Never a later one of a node before an earlier one: that would seem not to be done.
            for node, pk in older.items():
                outbox.forget_older(node, pk)
            outbox.forget(ids)
        except DatabaseError as error:
            # They are known to be in their streams for as long as this process lives.
            logger.warning("Entries of the outbox cannot be removed yet: %s", error)
            with self._lock:
                self._older = {**older, **self._older}
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


def forget(node: UUID, pk: int, *, older: bool) -> None:
    """Remove an entry that is in its stream: soon, or at once where no thread does it.

    With it go those of its node that are `older`, where these were left by others.
    """
    if _forgetter is not None and _forgetter.is_alive():
        _forgetter.add(node, pk, older=older)
    elif older:
        outbox.forget_older(node, pk)
    else:
        outbox.forget([pk])


def is_forgotten(pk: int) -> bool:
    """Return whether this process knows that the entry is in its stream."""
    return _forgetter is not None and pk in _forgetter
