"""Clean up data that belong to no node, or to no row of their node.

A deletion first deletes rows, then data; a new node first has data, then a row. If a server is
killed in between, orphaned data are left. A write creates files or objects under new names, which
become current with a row: if it is interrupted, or the response to its COMMIT is lost, no row names
either the new ones or those that they replaced.
"""

from __future__ import annotations

import logging

from .stores.known_nodes import MIN_AGE_SECONDS
from .stores.site import storage

logger = logging.getLogger(__name__)


def remove_orphaned_folders(*, min_age: float = MIN_AGE_SECONDS) -> int:
    """Remove the data of nodes that do not exist; return the number of these nodes.

    Data that changed in the last `min_age` seconds stay, and so does everything else in the
    storage.
    """
    removed = storage().remove_orphaned_nodes(min_age)
    if removed:
        logger.warning("Removed %s folders of nodes that do not exist.", removed)
    return removed


def remove_orphaned_files(*, min_age: float = MIN_AGE_SECONDS) -> int:
    """Remove files or objects of existing nodes that no row names; return how many were removed.

    Each is checked under the lock of its node: a write that may still make it current holds
    that lock, or has lost its session and cannot commit.
    """
    removed = storage().remove_orphaned_files(min_age)
    if removed:
        logger.warning("Removed %s files that no write has made current.", removed)
    return removed
