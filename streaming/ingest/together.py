"""Store the frames of a batch together: what waits for one node is one commit where possible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import takewhile

from catalog.services.arrays.batches import PlannedUpload, StoredBatch, write_together
from catalog.services.stores.write_plans import WritePlan, plan_append
from catalog.services.tables.batches import append_together
from catalog.services.uploads import Upload
from core.http.media_types import ARROW, OCTET_STREAM
from tiled_client.wire.ingest import FrameOperation
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..protocol.cursor import Position, StreamHead
from ..writing.progress import ProducerMark, marking, stored_sequence
from .failures import describe
from .opened_nodes import BatchOutcome, OpenedNode, ReceivedFrame
from .stored import frame_count
from .unstored import plan_of


def can_be_stored(node: OpenedNode, frame: ReceivedFrame) -> bool:
    """Return whether a frame can be stored together with others."""
    if frame.failure is not None:
        return False
    match node.family:
        case StructureFamily.array:
            return True
        case StructureFamily.table:
            return frame.header.op is FrameOperation.append
    return False


def store_frames(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    """Store by one commit as many frames as possible, from the first on, each once.

    Raises AlreadyStored and as the services do; then none is stored.
    """
    outcome = BatchOutcome(node.applied)
    stored = stored_sequence(node.uuid, node.producer)
    left = [frame for frame in frames if frame.header.sequence > stored]
    if not left:
        outcome.applied = frames[-1].header.sequence
        return outcome
    done = _store_some(node, left, outcome)
    for number, error in sorted(done.rejected.items()):
        if number < done.count:
            outcome.fail(left[number].header.sequence, describe(error, node.path))
    if not outcome.stopped:
        outcome.applied = left[done.count - 1].header.sequence
    return outcome


def _store_some(
    node: OpenedNode, frames: Sequence[ReceivedFrame], outcome: BatchOutcome
) -> StoredBatch:
    """Store the first frames by one commit."""

    def around(first: int, last: int) -> AbstractContextManager[None]:
        first, last = (frames[number].header.sequence for number in (first, last))
        return marking(ProducerMark(node.uuid, node.producer, first, last))

    def on_streamed(epoch: str, sequence: int) -> None:
        outcome.head = StreamHead(epoch, Position(sequence))

    if node.family is StructureFamily.array:
        uploads = [PlannedUpload(_planned(node, one), _upload(node, one)) for one in frames]
        return write_together(
            path=node.path, uploads=uploads, around=around, on_streamed=on_streamed
        )
    partition = frames[0].header.partition or 0
    return append_together(
        path=node.path,
        partition=partition,
        uploads=[_upload(node, one) for one in _of_partition(frames, partition)],
        around=around,
        on_streamed=on_streamed,
    )


def _of_partition(frames: Sequence[ReceivedFrame], partition: int) -> Iterator[ReceivedFrame]:
    return takewhile(lambda frame: (frame.header.partition or 0) == partition, frames)


def _planned(node: OpenedNode, frame: ReceivedFrame) -> partial[WritePlan]:
    return partial(_plan, node, frame)


def _plan(node: OpenedNode, frame: ReceivedFrame, structure: ArrayStructure) -> WritePlan:
    if frame.header.op is FrameOperation.append:
        return plan_append(structure, frame_count(node, frame.payload, frame.encoding))
    return plan_of(frame.header, structure)


def _upload(node: OpenedNode, frame: ReceivedFrame) -> Upload:
    mimetype = OCTET_STREAM if node.family is StructureFamily.array else ARROW
    return Upload(frame.payload, mimetype, persist=True, node=node.uuid, encoding=frame.encoding)
