"""Hold removals of stored files while a backup is running, at all servers of the site.

A backup copies the files that its snapshot of the database names. Without the hold, deleting a node
or replacing a table would remove some of them before they are copied. With it they stay, although
no row names them any more; the next cleanup after the backup removes them, as after a crash.

The order of steps makes this safe: a change commits, then looks for a hold, then removes files; a
backup takes the hold, then the snapshot. A change that found no hold was committed before the
snapshot, which therefore does not name its files.

The hold is a row of the database with a time, which its holder puts off until it ends: it outlives
a restart of the database, but not its holder, and needs no session behind a connection pooler.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from ...models import RemovalHold

logger = logging.getLogger(__name__)

ROW = 1
# In seconds. The database may be away for the difference of the two without ending a backup.
LEASE_SECONDS = 30.0
RENEWAL_SECONDS = 5.0
PAST = datetime(2000, 1, 1, tzinfo=UTC)


class HeldByAnother(Exception):
    """Another backup of this site is running, or was killed a few seconds ago."""


class HoldLost(Exception):
    """The database was away too long: other servers may have removed files."""


class Hold:
    """A hold that this process has. Its time is by the clock of the database."""

    def __init__(self) -> None:
        self._token = uuid.uuid4()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="removal-hold", daemon=True)

    def take(self) -> None:
        """Take the hold and begin to renew it. Raises HeldByAnother, DatabaseError."""
        free = RemovalHold(pk=ROW, token=self._token, until=PAST)
        RemovalHold.objects.bulk_create([free], ignore_conflicts=True)
        rows = RemovalHold.objects.filter(pk=ROW, until__lt=Now())
        if not rows.update(token=self._token, until=_end_of_lease()):
            raise HeldByAnother
        self._thread.start()

    def check(self) -> None:
        """Raise HoldLost unless the hold was in force from its beginning until now."""
        own = RemovalHold.objects.filter(pk=ROW, token=self._token, until__gt=Now())
        if not own.update(until=_end_of_lease()):
            raise HoldLost

    def release(self) -> None:
        """End the hold; without the database, it ends with its lease."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            RemovalHold.objects.filter(pk=ROW, token=self._token).update(until=PAST)
        except DatabaseError as error:
            logger.warning("Could not release the hold on removals: %s", error)

    def _renew(self) -> None:
        try:
            while not self._ended.wait(RENEWAL_SECONDS):
                try:
                    self.check()
                except DatabaseError as error:
                    logger.warning("Could not renew the hold on removals: %s", error)
                    connection.close()
        except HoldLost:
            logger.warning("The hold on removals of stored files was lost.")
        finally:
            connection.close()


@contextmanager
def hold_removals() -> Iterator[Hold]:
    """Keep the files that changes would remove. Raises HeldByAnother, DatabaseError.

    Call `check` of what is yielded when all files are copied.
    """
    hold = Hold()
    hold.take()
    try:
        yield hold
    finally:
        hold.release()


def removals_are_held() -> bool:
    """Return whether a backup needs the files that are about to be removed.

    Call it after the commit of the change that makes them superfluous. If the database does not
    respond, the files are left to the cleanup.
    """
    try:
        return RemovalHold.objects.filter(until__gt=Now()).exists()
    except DatabaseError as error:
        logger.warning("Left superfluous files to the cleanup: %s", error)
        return True


def _end_of_lease() -> Any:
    return Now() + timedelta(seconds=LEASE_SECONDS)
