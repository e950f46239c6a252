"""Remove published entries from the outbox, a little later and many at a time.

A write is answered as soon as it is published. Its entry does no harm until it is removed: the next
write finds out from the stream that it is there. If that write comes soon, it reuses the row, so
that none has to be inserted or deleted.
"""

from __future__ import annotations

import logging
import threading
import time
from uuid import UUID

from django.db import DatabaseError, connection

from . import outbox
from .outbox_recording import RecordedEntry

logger = logging.getLogger(__name__)

# Entries that are published within this time are removed together.
BATCH_SECONDS = 0.5


class OutboxRemover(threading.Thread):
    """Removes the entries that this process has published, in their order."""

    def __init__(self) -> None:
        super().__init__(name="tiled-outbox-removal", daemon=True)
        self._lock = threading.Lock()
        self._tokens: dict[int, str] = {}
        # Of each node, among those that are not removed yet: the last entry, and the last one that
        # has older ones, left behind by other processes, to be removed with it.
        self._last: dict[UUID, RecordedEntry] = {}
        self._with_older: dict[UUID, RecordedEntry] = {}
        self._added = threading.Event()

    def add(self, entry: RecordedEntry, *, older: bool) -> None:
        """Remove an entry soon, and with it those of its node that are `older`."""
        with self._lock:
            self._tokens[entry.pk] = entry.token
            self._last[entry.node] = entry
            if older:
                self._with_older[entry.node] = entry
        # To set an event that is set would take its lock, on the path of every write.
        if not self._added.is_set():
            self._added.set()

    def has(self, pk: int, token: str) -> bool:
        """Return whether the entry is one of those to be removed."""
        return self._tokens.get(pk) == token

    def last(self, node: UUID) -> RecordedEntry | None:
        """Return the last entry of `node` that is to be removed."""
        return self._last.get(node)

    def run(self) -> None:
        """Remove entries until the process ends."""
        while True:
            self._added.wait()
            time.sleep(BATCH_SECONDS)
            self._added.clear()
            self._remove()

    def _remove(self) -> None:
        with self._lock:
            tokens, with_older = dict(sorted(self._tokens.items())), self._with_older
            last = list(self._last.values())
            self._with_older = {}
        try:
            # In order: with a later entry gone, an earlier one would look as if not published.
            for node, newest in with_older.items():
                outbox.remove_up_to(node, newest.pk, newest.token)
            outbox.remove(tokens)
        except DatabaseError as error:
            # This process knows that they are published for as long as it lives.
            logger.warning("Cannot remove published entries from the outbox; retrying: %s", error)
            with self._lock:
                self._with_older = {**with_older, **self._with_older}
            self._added.set()
        else:
            with self._lock:
                # A new entry may have reused the row of one of them in the meantime.
                for pk, token in tokens.items():
                    if self._tokens[pk] == token:
                        del self._tokens[pk]
                for entry in last:
                    if self._last[entry.node] is entry:
                        del self._last[entry.node]
        finally:
            connection.close_if_unusable_or_obsolete()


_remover: OutboxRemover | None = None


def start() -> None:
    """Start to remove entries in the background of this process."""
    global _remover
    if _remover is None:
        _remover = OutboxRemover()
        _remover.start()


def remove(entry: RecordedEntry, *, older: bool) -> None:
    """Remove a published entry: soon, or at once if no thread does it.

    With it go those of its node that are `older`, if other processes left some behind.
    """
    if _remover is not None and _remover.is_alive():
        _remover.add(entry, older=older)
    elif older:
        outbox.remove_up_to(entry.node, entry.pk, entry.token)
    else:
        outbox.remove({entry.pk: entry.token})


def last_published(node: UUID) -> RecordedEntry | None:
    """Return the last entry of `node` that this process published, if it is not removed yet."""
    return None if _remover is None else _remover.last(node)


def is_published(pk: int, token: str) -> bool:
    """Return whether this process knows that the entry is in its stream."""
    return _remover is not None and _remover.has(pk, token)
