"""Carry out a batch of frames of one node, in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tiled_client.wire.structure_family import StructureFamily

from ..writing.progress import AlreadyStored
from .failures import describe
from .opened_nodes import DATA, BatchOutcome, OpenedNode, ReceivedFrame
from .stored import write_one
from .together import can_be_stored, store_frames
from .unstored import append_frames

Write = Callable[[OpenedNode, Sequence[ReceivedFrame]], BatchOutcome]

TOGETHER = frozenset({StructureFamily.array, StructureFamily.table})


def write_frames(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    """Carry out `frames`, which belong together (`batch_length`); return what became of them.

    If they cannot be written together, each is written by itself, so that a frame that fails does
    not take others with it.
    """
    outcome = BatchOutcome(node.applied)
    while frames and not outcome.stopped:
        count, together = _next_group(node, frames)
        outcome = _add(outcome, _write_group(node, frames[:count], together))
        node.applied = outcome.applied
        frames = [frame for frame in frames if frame.header.sequence > outcome.applied]
    return outcome


def _next_group(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> tuple[int, Write | None]:
    """Return how many frames are written by the same function, and that; None if one by one."""
    write = _writer_of(node, frames[0])
    if write is None:
        return 1, None
    others = (n for n, frame in enumerate(frames) if _writer_of(node, frame) is not write)
    return next(others, len(frames)), write


def _writer_of(node: OpenedNode, frame: ReceivedFrame) -> Write | None:
    header = frame.header
    if header.op not in DATA or node.family not in TOGETHER:
        return None
    if not header.persist:
        return append_frames
    return store_frames if can_be_stored(node, frame) else None


def _write_group(
    node: OpenedNode, frames: Sequence[ReceivedFrame], write: Write | None
) -> BatchOutcome:
    if write is None:
        return _write_single(node, frames[0])
    try:
        return write(node, frames)
    except AlreadyStored:
        # By another connection of the same producer, which may store others, too.
        return _one_by_one(node, frames, write)
    except Exception as error:  # noqa: BLE001  Every failure is reported to the producer.
        failure = describe(error, node.path)
        if len(frames) > 1 and not failure.stops:
            return _one_by_one(node, frames, write)
        outcome = BatchOutcome(node.applied)
        outcome.fail(frames[0].header.sequence, failure)
        return outcome


def _one_by_one(node: OpenedNode, frames: Sequence[ReceivedFrame], write: Write) -> BatchOutcome:
    outcome = BatchOutcome(node.applied)
    for frame in frames:
        try:
            done = write(node, [frame])
        except AlreadyStored:
            done = BatchOutcome(frame.header.sequence)
        except Exception as error:  # noqa: BLE001
            done = BatchOutcome(node.applied)
            done.fail(frame.header.sequence, describe(error, node.path))
        outcome = _add(outcome, done)
        if outcome.stopped:
            break
        node.applied = outcome.applied
    return outcome


def _write_single(node: OpenedNode, frame: ReceivedFrame) -> BatchOutcome:
    outcome = BatchOutcome(node.applied)
    if frame.failure is not None:
        outcome.fail(frame.header.sequence, frame.failure)
        return outcome
    try:
        return write_one(node, frame)
    except Exception as error:  # noqa: BLE001
        outcome.fail(frame.header.sequence, describe(error, node.path))
    return outcome


def _add(outcome: BatchOutcome, later: BatchOutcome) -> BatchOutcome:
    """Return both outcomes as one."""
    return BatchOutcome(
        later.applied, later.head or outcome.head, outcome.failed + later.failed, later.stopped
    )
