"""The interface of a site's storage, and of the arrays in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structures import ArrayStructure

from ...events import ArrayWritten, WriteBatch
from ...locks.fencing import Fence
from ...lookup.write_targets import WriteTarget
from ...models import DataSource, Node
from ...storage.encoding import Array
from ...storage.regions import Region
from ..quotas import quotas
from ..uploads import Upload
from .damages import ArrayDamage, Leftover
from .known_nodes import MIN_AGE_SECONDS
from .write_plans import WritePlan


@dataclass(frozen=True, slots=True)
class ArrayWrite:
    """A checked write to a dense array: its target, the plan, the new elements, the request."""

    target: WriteTarget
    plan: WritePlan
    array: Array
    upload: Upload

    @property
    def before(self) -> ArrayStructure:
        """The structure before the write."""
        assert isinstance(self.target.structure, ArrayStructure)
        return self.target.structure

    @property
    def parts(self) -> tuple[ArrayWrite, ...]:
        """The writes that are stored as this one, in their order."""
        return (self,)

    @property
    def grows(self) -> bool:
        """Whether the write changes the structure."""
        return self.plan.structure is not self.target.structure

    def charge(self) -> None:
        """Charge the growth of the array to quotas: its shape was charged before."""
        if self.grows:
            growth = self.plan.structure.nbytes - self.before.nbytes
            quotas().charge(self.target.ref.path, self.target.creator, size=growth)

    @property
    def changes_one_row(self) -> bool:
        """Whether the record of its event is the only row that changes, unless it grows."""
        return not self.grows and self.upload.idempotency_key is None

    def event(self, *, recorded_as: str = "") -> ArrayWritten | WriteBatch:
        """Return the event to announce."""
        return self.written(recorded_as=recorded_as)

    def written(self, *, recorded_as: str = "") -> ArrayWritten:
        """Return the event of this write alone."""
        return ArrayWritten(
            node=self.target.ref,
            mimetype=self.upload.mimetype,
            shape=self.plan.shape,
            offset=self.plan.offset,
            block=self.plan.block,
            payload=self.upload.body,
            persisted=self.upload.persist,
            recorded_as=recorded_as,
            token=self.upload.token,
            encoding=self.upload.encoding,
        )


class StoredSize(NamedTuple):
    """Size of a file or an object in bytes, and the time of its latest change in seconds."""

    size: int
    modified: float


class Arrays(Protocol):
    """Stored dense arrays."""

    def create(self, node: UUID, structure: ArrayStructure) -> dict[str, Any]:
        """Allocate an array of zeros for a new node; return columns of its data source."""
        ...

    def read(self, node: Node, structure: ArrayStructure, items: NDSlice) -> Array:
        """Read what `items` select: before or after each write, never a part of one.

        Raises WireError for items out of bounds, MissingFile, Unreadable, StorageUnavailable.
        """
        ...

    def prepare(self, target: WriteTarget, fence: Fence) -> None:
        """Settle interrupted writes to an array that is about to be written, under its lock."""
        ...

    def write(self, write: ArrayWrite, fence: Fence) -> None:
        """Store a write, commit it with its event and its receipt, and announce it.

        Call it under the lock of the node. Nothing is stored if it raises: Superseded (another
        write was first), NotFound (the node was deleted), StorageUnavailable, QuotaExceeded.
        """
        ...

    def settle(self, node: UUID) -> None:
        """Make committed writes visible to readers, before these are announced.

        Call it with or without the lock of the node. Raises Unavailable.
        """
        ...

    def fill(
        self, node: UUID, structure: ArrayStructure, values: Callable[[Region], Array]
    ) -> Callable[[DataSource], None]:
        """Store a new array, whose `values` are requested region by region.

        Return what makes it current: call that in the transaction, and save the data source
        afterwards. Call it all under the lock of the node. Raises StorageError.
        """
        ...

    def export(self, source: DataSource, structure: ArrayStructure, folder: Path) -> None:
        """Write an array to a folder, as Zarr that other programs read.

        Raises StorageError, OSError.
        """
        ...

    def release(self, source: DataSource) -> None:
        """Let a data source describe an array that is elsewhere, in the transaction before a save.

        Its data stay.
        """
        ...


class Mark(Protocol):
    """The mark by which a storage and a database recognize each other (`site_marker`).

    All methods raise OSError or StorageUnavailable.
    """

    @property
    def place(self) -> str:
        """The setting and the address of the storage, for messages."""
        ...

    @property
    def address(self) -> str:
        """The address of the mark, for messages."""
        ...

    def read(self) -> UUID | None:
        """Return the mark; None if there is none, or no readable one."""
        ...

    def exists(self) -> bool:
        """Return whether there is a mark, readable or not."""
        ...

    def create(self, mark: UUID) -> bool:
        """Write a mark unless there is one; return whether it was written."""
        ...

    def replace(self, mark: UUID) -> None:
        """Write a mark over an existing one."""
        ...

    def remove(self) -> None:
        """Remove the mark."""
        ...

    def foreign(self) -> str | None:
        """Return an address in the storage that another site must have written, if there is one.

        For a storage without a mark: data of nodes none of which is in the database.
        """
        ...


class Storage(Protocol):
    """The storage of a site."""

    @property
    def arrays(self) -> Arrays:
        """The dense arrays."""
        ...

    @property
    def mark(self) -> Mark:
        """The mark of the site."""
        ...

    def node_uri(self, node: UUID) -> str:
        """Return the URI below which the data of a node are stored."""
        ...

    def discard_nodes(self, nodes: Collection[UUID]) -> None:
        """Remove the data of nodes, if there are any; leave them to the cleanup in a backup.

        The rows must be deleted: what follows from them is committed.
        """
        ...

    def sizes(self, node: UUID) -> Iterator[StoredSize]:
        """Yield the size of each file or object of a node, superseded ones included."""
        ...

    def find_damages(
        self, source: DataSource, *, quick: bool, only: tuple[int, ...] | None = None
    ) -> Iterator[ArrayDamage]:
        """Yield damage of the array of a data source: of all of it, or of chunks, or of one chunk.

        With `quick`, sizes are compared, but nothing is read. Raises StorageUnavailable.
        """
        ...

    def leftovers(self, min_age: float) -> Iterator[Leftover]:
        """Yield data of no node, and files or objects of no row, that are `min_age` seconds old."""
        ...

    def move_orphan(self, node: UUID, min_age: float) -> str | None:
        """Move the data of a node that does not exist out of the way; return where they are then.

        Return None, and leave them, if a node has them by now, if they were changed, or if the
        storage cannot move them.
        """
        ...

    def remove_orphaned_nodes(self, min_age: float) -> int:
        """Remove the data of nodes that do not exist; return the number of nodes.

        Data that changed in the last `min_age` seconds stay.
        """
        ...

    def remove_orphaned_files(self, min_age: float) -> int:
        """Remove files or objects of existing nodes that no row names; return their number."""
        ...

    def tend(self, min_age: float = MIN_AGE_SECONDS) -> None:
        """Do what must not wait for the daily cleanup: remove what writes have replaced.

        What was replaced in the last `min_age` seconds stays.
        """
        ...
