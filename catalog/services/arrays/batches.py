"""Store several writes to a dense array together: one lock, one transaction, one region.

Writes are stored together if they append whole frames, one behind the other, or if they overwrite
the same region, of which only the last elements are stored. All of them are announced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import numpy as np

from core.errors import NotSupported, ServiceError
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ...events import WriteBatch
from ...locks.fencing import write_lock
from ...lookup.nodes import split_path
from ...lookup.write_targets import WriteTarget, get_write_target
from ...storage.encoding import Array
from ...storage.errors import StorageError
from ..stores.interface import ArrayWrite
from ..stores.site import storage
from ..stores.write_plans import WritePlan
from ..uploads import Upload
from .dense import decode_upload, target_structure

# To join larger bodies costs more than to store each by itself.
MAX_JOINED_BYTES = 1 << 20
REJECTIONS = (ServiceError, WireError, StorageError)


@dataclass(frozen=True, slots=True)
class PlannedUpload:
    """One of several writes: how it is planned, and its body."""

    planned: Callable[[ArrayStructure], WritePlan]
    upload: Upload


@dataclass(slots=True)
class StoredBatch:
    """The first `count` writes were dealt with; those in `rejected`, by number, were not stored."""

    count: int = 0
    rejected: dict[int, Exception] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinedWrite(ArrayWrite):
    """Several `writes` that are stored as one; `on_streamed` as for `WriteBatch`."""

    writes: tuple[ArrayWrite, ...]
    on_streamed: Callable[[str, int], None] | None = None

    @property
    def parts(self) -> tuple[ArrayWrite, ...]:
        """The writes that are stored as this one, in their order."""
        return self.writes

    @property
    def changes_one_row(self) -> bool:
        """Return False: the caller stores its own row with the writes."""
        return False

    def event(self, *, recorded_as: str = "") -> WriteBatch:
        """Return the event with those of all writes."""
        writes = tuple(part.written() for part in self.writes)
        return WriteBatch(
            self.target.ref,
            writes=writes,
            recorded_as=recorded_as,
            on_streamed=self.on_streamed,
        )


def write_together(
    *,
    path: str,
    uploads: Sequence[PlannedUpload],
    around: Callable[[int, int], AbstractContextManager[None]],
    on_streamed: Callable[[str, int], None],
) -> StoredBatch:
    """Store as many of `uploads` from the first on as can be stored together, and at least one.

    The rest must be written by another call. `around(first, last)` is entered around the storage of
    the writes with these numbers. A write that is rejected by itself is skipped. Raises NotFound,
    NotSupported (external files), Conflict (another node), and what the storage raises; then none
    was stored.
    """
    with write_lock("/".join(split_path(path))) as fence:
        target = get_write_target(path, StructureFamily.array)
        uploads[0].upload.check_node(target.ref.uuid)
        if not target.writable:
            raise NotSupported("This node cannot accept array data.")
        arrays = storage().arrays
        arrays.prepare(target, fence)
        done = StoredBatch()
        numbers, writes = _plan_together(target, uploads, done)
        if writes:
            with around(numbers[0], numbers[-1]):
                arrays.write(_joined(writes, on_streamed), fence)
    return done


def _plan_together(
    target: WriteTarget, uploads: Sequence[PlannedUpload], done: StoredBatch
) -> tuple[list[int], list[ArrayWrite]]:
    """Return the writes to store together, with their numbers; count them in `done`."""
    structure = target_structure(target)
    numbers: list[int] = []
    writes: list[ArrayWrite] = []
    for number, one in enumerate(uploads):
        try:
            plan = one.planned(structure)
            array = decode_upload(one.upload, structure.dtype, plan.shape)
        except REJECTIONS as error:
            done.rejected[number] = error
        else:
            write = ArrayWrite(target, plan, array, one.upload)
            if writes and not _belongs_to(writes, write):
                return numbers, writes
            numbers.append(number)
            writes.append(write)
            structure = plan.structure
        done.count = number + 1
    return numbers, writes


def _belongs_to(writes: Sequence[ArrayWrite], write: ArrayWrite) -> bool:
    """Return whether a write can be stored together with those before it."""
    first = writes[0].before
    if first.codec is not None and not math.prod(first.shape):
        return False  # the first frame chooses the chunks, so that the others are whole ones
    before, plan = writes[-1].plan, write.plan
    earlier = writes[-2].plan.structure if len(writes) > 1 else writes[0].before
    if plan.region == before.region and plan.structure is before.structure:
        return len(writes) == 1 or writes[0].plan.region == plan.region
    if max(write.array.nbytes, writes[-1].array.nbytes) > MAX_JOINED_BYTES:
        return False
    return (
        _appends(writes[0].before, writes[0].plan)
        and before.structure is not earlier
        and plan.structure is not before.structure
        and plan.region[0].start == before.region[0].stop
        and plan.region[1:] == before.region[1:]
        and plan.structure.shape[1:] == before.structure.shape[1:]
    )


def _appends(structure: ArrayStructure, plan: WritePlan) -> bool:
    """Return whether a write adds whole frames directly behind the last one."""
    if not plan.region or plan.region[0].start != structure.shape[0]:
        return False
    rest = tuple(slice(0, size) for size in structure.shape[1:])
    return plan.region[1:] == rest and plan.structure.shape[1:] == structure.shape[1:]


def _joined(writes: Sequence[ArrayWrite], on_streamed: Callable[[str, int], None]) -> JoinedWrite:
    first, last = writes[0], writes[-1]
    plan, array = last.plan, last.array
    if len(writes) > 1 and plan.region != first.plan.region:
        span = slice(first.plan.region[0].start, plan.region[0].stop)
        region = (span, *plan.region[1:])
        shape = (span.stop - span.start, *plan.shape[1:])
        plan, array = replace(plan, region=region, shape=shape), _concatenated(writes)
    return JoinedWrite(last.target, plan, array, last.upload, tuple(writes), on_streamed)


def _concatenated(writes: Sequence[ArrayWrite]) -> Array:
    return np.concatenate([write.array for write in writes])
