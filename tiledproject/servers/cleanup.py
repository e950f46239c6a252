"""Cleanup of what killed server processes have left: at the start and once a day.

Every server process has a thread for it; a site-wide lock lets only one run it.
"""

from __future__ import annotations

import logging
import threading
import time
from itertools import chain, repeat

from django.db import connection

from access.login import sessions
from catalog.locks.node_locks import lone
from catalog.services import idempotency
from catalog.services.assets.cleanup import (
    MIN_AGE_SECONDS,
    remove_orphaned_files,
    remove_orphaned_folders,
)
from core.backend_failures import log_outage
from streaming.writing.cleanup import remove_orphaned_streams

logger = logging.getLogger(__name__)

LOCK = "sweep"
# In seconds. What was too young at the start is old enough the second time.
DELAYS_SECONDS = (0.0, MIN_AGE_SECONDS + 60.0)
DAY_SECONDS = 24 * 60 * 60.0


def start() -> None:
    """Have this process clear up from now on."""
    threading.Thread(target=_run, name="tiled-sweep", daemon=True).start()


def run_cleanup(*, min_age: float = MIN_AGE_SECONDS) -> tuple[int, int]:
    """Remove folders and streams of nodes that do not exist; how many of each.

    What writes that were cut off have left in folders of nodes that do exist goes, too, and so do
    sessions that have expired.
    """
    sessions.delete_expired()
    idempotency.delete_expired()
    remove_orphaned_files(min_age=min_age)
    return remove_orphaned_folders(min_age=min_age), remove_orphaned_streams()


def _run() -> None:
    for pause in chain(DELAYS_SECONDS, repeat(DAY_SECONDS)):
        time.sleep(pause)
        try:
            with lone(LOCK) as mine:
                if mine:
                    run_cleanup()
        except Exception as error:
            # The next time it may go well; until then, nothing is worse than before.
            if log_outage(error) is None:
                logger.exception("Cleanup of what killed servers have left behind failed")
        finally:
            connection.close()
