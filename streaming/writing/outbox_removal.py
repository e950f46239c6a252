"""Removing entries of the outbox that are in their streams, a little later and many at a time.

A write that has announced what it did is answered at once. Its entry does no harm until it is
removed: the next write finds out from the stream that it is there. If that comes soon, its entry
takes the place of the one before, so that a row need neither be made nor removed.
"""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from django.db import DatabaseError, connection

from . import outbox
from .outbox import Entry

logger = logging.getLogger(__name__)

# In seconds. What was announced meanwhile goes with it.
LINGER = 0.5


class Forgetter(threading.Thread):
    """Removes the entries that this process has put into their streams, in their order."""

    def __init__(self) -> None:
        super().__init__(name="tiled-outbox-forgetting", daemon=True)
        self._lock = threading.Lock()
        self._tokens: dict[int, str] = {}
        # The last one of each node; of those that are not removed yet.
        self._last: dict[UUID, Entry] = {}
        self._older: dict[UUID, Entry] = {}
        self._news = threading.Event()

    def add(self, entry: Entry, *, older: bool) -> None:
        """Remove an entry soon, and with it those of its node that are `older`."""
        with self._lock:
            self._tokens[entry.pk] = entry.token
            self._last[entry.node] = entry
            if older:
                self._older[entry.node] = entry
        if not self._news.is_set():
            self._news.set()

    def knows(self, pk: int, token: str) -> bool:
        """Return whether the entry is one of those that are to be removed."""
        return self._tokens.get(pk) == token

    def last(self, node: UUID) -> Entry | None:
        """Return the last entry of `node` that is to be removed."""
        return self._last.get(node)

    def run(self) -> None:
        """Remove what there is, again and again."""
        while True:
            self._news.wait()
            time.sleep(LINGER)
            self._news.clear()
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            tokens, older = dict(sorted(self._tokens.items())), self._older
            last = list(self._last.values())
            self._older = {}
        try:
            # Never a later one of a node before an earlier one: that would seem not to be done.
            for node, newest in older.items():
                outbox.forget_older(node, newest.pk, newest.token)
            outbox.forget(tokens)
        except DatabaseError as error:
            # They are known to be in their streams for as long as this process lives.
            logger.warning("Entries of the outbox cannot be removed yet: %s", error)
            with self._lock:
                self._older = {**older, **self._older}
            self._news.set()
        else:
            with self._lock:
                # Meanwhile, another entry may have taken the place of one of them.
                for pk, token in tokens.items():
                    if self._tokens[pk] == token:
                        del self._tokens[pk]
                for entry in last:
                    if self._last[entry.node] is entry:
                        del self._last[entry.node]
        finally:
            connection.close_if_unusable_or_obsolete()


_forgetter: Forgetter | None = None


def start() -> None:
    """Have this process remove entries in the background from now on."""
    global _forgetter
    if _forgetter is None:
        _forgetter = Forgetter()
        _forgetter.start()


def forget(entry: Entry, *, older: bool) -> None:
    """Remove an entry that is in its stream: soon, or at once where no thread does it.

    With it go those of its node that are `older`, where these were left by others.
    """
    if _forgetter is not None and _forgetter.is_alive():
        _forgetter.add(entry, older=older)
    elif older:
        outbox.forget_older(entry.node, entry.pk, entry.token)
    else:
        outbox.forget({entry.pk: entry.token})


def last_of(node: UUID) -> Entry | None:
    """Return the last entry of `node` that this process has put into its stream, if it is there."""
    return None if _forgetter is None else _forgetter.last(node)


def is_forgotten(pk: int, token: str) -> bool:
    """Return whether this process knows that the entry is in its stream."""
    return _forgetter is not None and _forgetter.knows(pk, token)
