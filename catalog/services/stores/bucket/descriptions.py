"""The `zarr.json` of arrays in a bucket, for other readers: this server does not need it.

While an array grows it is put every few seconds. What was missed is noted in the database, and put
by the cleanup (see `tending`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from uuid import UUID

import orjson

from tiled_client.wire.structures import ArrayStructure

from ....storage.errors import StorageUnavailable
from ....storage.layout import NAME, Layout, document
from ....storage.objects.client import ObjectStore
from .names import node_folder

logger = logging.getLogger(__name__)

# In seconds: the minimum time between two puts for one array by one process.
INTERVAL_SECONDS = 10.0
MAX_REMEMBERED = 4096


class Descriptions:
    """Puts the descriptions of arrays, and remembers when."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        # Per array: the time of the last put, and whether a later growth was noted.
        self._known: OrderedDict[UUID, tuple[float, bool]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, node: UUID, structure: ArrayStructure, layout: Layout) -> None:
        """Put the description. Raises StorageUnavailable."""
        content = orjson.dumps(document(layout, structure))
        self._objects.put(f"{node_folder(node)}/{NAME}", content)

    def must_note(self, node: UUID) -> bool:
        """Return whether a growth that is about to be committed is the first without a put."""
        with self._lock:
            last, noted = self._known.get(node, (0.0, False))
            return not noted and not self._is_due(last)

    def grown(self, node: UUID, structure: ArrayStructure, layout: Layout) -> None:
        """Put the description after a growth, if the last one is old enough."""
        with self._lock:
            last, _ = self._known.pop(node, (0.0, False))
            due = self._is_due(last)
            self._known[node] = (time.monotonic(), False) if due else (last, True)
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        if not due:
            return
        try:
            self.put(node, structure, layout)
        except StorageUnavailable as error:
            logger.warning("The zarr.json of %s is not up to date: %s", node, error)

    def _is_due(self, last: float) -> bool:
        return not last or time.monotonic() - last >= INTERVAL_SECONDS
