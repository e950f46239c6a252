"""Cleanup of orphaned data that killed server processes have left, at the start and once a day.

A storage in a bucket is tended every few minutes: objects that writes have replaced are deleted,
and rows that wait in the database are moved to it.

Every server process has a thread for it; a site-wide lock lets only one run it.
"""

from __future__ import annotations

import logging
import threading
import time
from itertools import accumulate, chain, repeat

from django.db import connection

from access.login import sessions
from catalog.locks.node_locks import try_site_lock
from catalog.services import idempotency
from catalog.services.cleanup import remove_orphaned_files, remove_orphaned_folders
from catalog.services.stores.known_nodes import MIN_AGE_SECONDS
from catalog.services.stores.site import storage
from core.backend_failures import log_outage
from streaming.writing import progress
from streaming.writing.cleanup import remove_orphaned_streams

logger = logging.getLogger(__name__)

LOCK = "sweep"
# In seconds. Data that were too recent at the start are old enough the second time.
DELAYS_SECONDS = (0.0, MIN_AGE_SECONDS + 60.0)
DAY_SECONDS = 24 * 60 * 60.0
TEND_SECONDS = 5 * 60.0


def start() -> None:
    """Start the cleanup thread of this process."""
    threading.Thread(target=_run, name="tiled-sweep", daemon=True).start()


def run_cleanup(*, min_age: float = MIN_AGE_SECONDS) -> tuple[int, int]:
    """Remove folders and streams of nodes that do not exist; return the number of each.

    Files of interrupted writes in folders of existing nodes are removed as well, and so are expired
    sessions, idempotency receipts, and the progress of producers.
    """
    sessions.delete_expired()
    idempotency.delete_expired()
    progress.delete_expired()
    storage().tend(min_age)
    remove_orphaned_files(min_age=min_age)
    return remove_orphaned_folders(min_age=min_age), remove_orphaned_streams()


def _run() -> None:
    due = accumulate(chain(DELAYS_SECONDS, repeat(DAY_SECONDS)), initial=time.monotonic())
    next(due)
    cleanup_at = next(due)
    while True:
        full = time.monotonic() >= cleanup_at
        if full:
            cleanup_at = next(due)
        try:
            with try_site_lock(LOCK) as mine:
                if mine and full:
                    run_cleanup()
                elif mine:
                    storage().tend()
        except Exception as error:
            # Not fatal: the next cleanup tries again.
            if log_outage(error) is None:
                logger.exception("Cleanup of orphaned data failed")
        finally:
            connection.close()
        time.sleep(min(TEND_SECONDS, max(cleanup_at - time.monotonic(), 0.0)))
