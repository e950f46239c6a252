"""The storage of a site whose data are in a bucket."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from uuid import UUID

from ....models import DataSource
from ....storage.errors import StorageUnavailable
from ....storage.objects.location import BucketLocation
from ..damages import ArrayDamage, Leftover
from ..files import flushing, part_rows
from ..files.named_objects import named_objects
from ..interface import StoredSize
from ..known_nodes import MIN_AGE_SECONDS
from ..site_bucket import objects_at
from . import cleanup, damages, tending
from .arrays import BucketArrays
from .mark import BucketMark
from .names import node_folder

logger = logging.getLogger(__name__)


class BucketStorage:
    """The prefix of a bucket that `storage.uri` names."""

    def __init__(self, location: BucketLocation) -> None:
        self.objects = objects_at(location)
        self.arrays = BucketArrays(self.objects)
        self.mark = BucketMark(self.objects)

    def node_uri(self, node: UUID) -> str:
        """Return the URI of all objects of a node."""
        return self.objects.address(node_folder(node))

    def discard_nodes(self, nodes: Collection[UUID]) -> None:
        """Delete the objects of nodes; leave them to the cleanup during a backup or an outage."""
        try:
            cleanup.discard_nodes(self.objects, nodes)
        except StorageUnavailable as error:
            logger.warning("Data of %d deleted nodes are left for now: %s", len(nodes), error)

    def sizes(self, node: UUID) -> Iterator[StoredSize]:
        """Yield the size of each object of a node, and of its rows that wait in the database."""
        for info in self.objects.list_objects(node_folder(node)):
            yield StoredSize(info.size, info.modified.timestamp())
        for size, time in part_rows.tails(node):
            yield StoredSize(size, time.timestamp())

    def find_damages(
        self, source: DataSource, *, quick: bool, only: tuple[int, ...] | None = None
    ) -> Iterator[ArrayDamage]:
        """Yield lost objects of an array, and objects of another size than a chunk."""
        return damages.find_damages(self.objects, source, quick=quick, only=only)

    def leftovers(self, min_age: float) -> Iterator[Leftover]:
        """Yield the nodes of objects that the database does not have, and objects of no row."""
        return cleanup.find_leftovers(self.objects, min_age, named_objects)

    def move_orphan(self, node: UUID, min_age: float) -> str | None:
        """Return None: the cleanup deletes such objects."""

    def remove_orphaned_nodes(self, min_age: float) -> int:
        """Delete the objects of nodes that do not exist; return the number of nodes."""
        return cleanup.remove_orphaned_nodes(self.objects, min_age)

    def remove_orphaned_files(self, min_age: float) -> int:
        """Delete objects of existing nodes that no row names; return their number."""
        return cleanup.remove_unnamed_objects(self.objects, min_age, named_objects)

    def tend(self, min_age: float = MIN_AGE_SECONDS) -> None:
        """Delete what writes have replaced, and update what other readers of the bucket read.

        Rows that were appended to tables, and wait in the database, are moved to the bucket.
        """
        flushing.flush_idle(min_age)
        tending.update_plain_objects(self.objects, self.arrays.descriptions, min_age)
        tending.remove_replaced(self.objects, min_age)
